"""Streams that go wrong after the first word: what was said arrives, then one clear error, and nothing that looks like an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest
from attrs import evolve

from llmgate_core.testing import Gate, Reply
from tests.e2e.ask import OpenAISdk, no_tls
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.ask import Sdk
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess

LONG = Turn("One two three four five six.")
KEPT = {"openai": 4, "anthropic": 6}  # frames up to the third word
ERRORS = {
    "openai": {"error": {"message": "Engine on fire.", "type": "server_error", "param": None, "code": None}},
    "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "Engine on fire."}},
}


@pytest.fixture(scope="module")
def more_config() -> str:
    """Short patience."""
    return "[providers.openai.timeouts]\nidle = 0.4\n[providers.anthropic.timeouts]\nidle = 0.4\n"


def listen(sdk: Any, model: str) -> tuple[str, Exception | None]:
    """The text that came, and what the SDK raised at its end."""
    heard = ""
    messages = [{"role": "user", "content": "Count."}]
    try:
        with sdk.client() as client:
            if isinstance(sdk, OpenAISdk):
                for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
                    heard += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            else:
                for event in client.messages.create(model=model, messages=messages, max_tokens=9, stream=True):
                    heard += getattr(getattr(event, "delta", None), "text", "")
    except (openai.APIError, anthropic.APIError) as error:
        return heard, error
    return heard, None


def broken(provider: ScriptedProvider, ending: str, *more: bytes) -> None:
    """Let the provider say three words, then ``more``, and end so."""
    whole = provider.wire.stream(LONG, {"model": provider.model, "stream": True})
    pieces = [*whole.chunks[: KEPT[provider.name]], *more]
    provider.upstream.play(evolve(whole, chunks=pieces, ending=ending))


@pytest.mark.parametrize("ending", ["reset", "close", "end"])
def test_broken_stream_is_told(sdk: Sdk, provider: ScriptedProvider, ending: Any) -> None:
    """A reset, a connection that ends, a body that ends too soon: words, then an error."""
    broken(provider, ending)
    heard, error = listen(sdk, provider.target)
    assert heard == "One two three"
    assert error is not None
    assert "stream" in str(error)


def test_stalled_stream_is_told(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A provider that falls silent is given up, and its connection is closed."""
    broken(provider, "stall")
    heard, error = listen(sdk, provider.target)
    assert heard == "One two three"
    assert "stood still" in str(error)
    assert provider.upstream.requests[0].wait_left() > 0


def test_error_inside_a_stream_is_told(sdk: Sdk, provider: ScriptedProvider) -> None:
    """The provider's own error event ends the client's stream, in the client's format, with its words."""
    broken(provider, "end", provider.wire.frame(ERRORS[provider.name]))
    heard, error = listen(sdk, provider.target)
    assert heard == "One two three"
    assert "Engine on fire." in str(error)


def test_error_before_the_first_word_is_a_status(sdk: Sdk, provider: ScriptedProvider) -> None:
    """While nothing has been said, an error inside a 200 stream is a proper status still."""
    begun = provider.wire.stream(LONG, {"model": provider.model})
    pieces = [begun.chunks[0], provider.wire.frame(ERRORS[provider.name])]
    provider.upstream.play(evolve(begun, chunks=pieces), evolve(begun, chunks=pieces), evolve(begun, chunks=pieces))
    heard, error = listen(sdk, provider.target)
    assert heard == ""
    assert isinstance(error, (openai.InternalServerError, anthropic.InternalServerError))
    assert error.status_code in {502, 503}


def test_garbage_inside_a_stream_is_not_passed_on(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A frame that is not JSON ends the stream: what follows it could be anything."""
    rest = provider.wire.stream(LONG, {"model": provider.model}).chunks[KEPT[provider.name] :]
    broken(provider, "end", b'data: {"choices": [{"ind\n\n', *rest)
    heard, error = listen(sdk, provider.target)
    assert heard == "One two three"
    assert error is not None


def test_stream_that_lacks_only_its_marker_is_whole(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """When the reason to end was told and the marker was not, the client gets a stream with its marker."""
    if provider.name != "openai":
        return
    whole = provider.wire.stream(LONG, {"model": "m", "stream_options": {"include_usage": True}})
    provider.upstream.play(evolve(whole, chunks=whole.chunks[:-1]))
    body = {"model": provider.target, "stream": True, "messages": [{"role": "user", "content": "Count."}]}
    with httpx2.Client(verify=no_tls(), timeout=20) as client:
        answer = client.post(f"{gateway.url}/v1/chat/completions", json=body)
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert b'"error"' not in answer.content


def test_whole_answer_to_a_wish_for_a_stream(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A provider that cannot stream is heard all the same."""
    provider.upstream.play(Reply.of(provider.wire.whole(LONG, provider.model)))
    assert sdk.talk(provider.target).say("Count.").ask(streamed=True).text == LONG.text


def test_slow_stream_is_kept_alive(sdk: Sdk, provider: ScriptedProvider) -> None:
    """Pauses shorter than the limit disturb nobody."""
    whole = provider.wire.stream(LONG, {"model": provider.model, "stream_options": {"include_usage": True}})
    provider.upstream.play(evolve(whole, pause=0.05))
    assert sdk.talk(provider.target).say("Count.").ask(streamed=True).text == LONG.text


def test_words_come_as_they_are_said(sdk: Any, provider: ScriptedProvider) -> None:
    """Nothing waits for the end: with the provider held at a gate, what it said so far is there already."""
    gate = Gate()
    provider.gated(LONG, gate, KEPT[provider.name])
    messages = [{"role": "user", "content": "Count."}]
    heard = ""
    with sdk.client() as client:
        if isinstance(sdk, OpenAISdk):
            stream = client.chat.completions.create(model=provider.target, messages=messages, stream=True)
            words = (chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        else:
            stream = client.messages.create(model=provider.target, messages=messages, max_tokens=9, stream=True)
            words = (getattr(getattr(event, "delta", None), "text", "") for event in stream)
        while heard != "One two three":
            heard += next(words)
        gate.open()
        heard += "".join(words)
    assert heard == LONG.text
