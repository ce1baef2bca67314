"""What the SDKs build on top of the plain calls: parsed answers, stream helpers, token counts, raw answers, request ids."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from tests.e2e.ask import AnthropicSdk, OpenAISdk
from tests.e2e.wires.turn import Call, Turn

if TYPE_CHECKING:
    from tests.e2e.ask import Sdk
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess

ASKED: Any = [{"role": "user", "content": "The weather in Köln?"}]
ANSWER = Turn('{"city": "Köln", "rain": true}')


class Weather(BaseModel):
    """What is asked for."""

    city: str
    rain: bool


def test_openai_parses_an_answer(openai_sdk: OpenAISdk, provider: ScriptedProvider) -> None:
    """`parse` asks for the class's schema and gives an instance, whoever answered."""
    provider.says(ANSWER)
    with openai_sdk.client() as client:
        answer = client.chat.completions.parse(model=provider.target, messages=ASKED, response_format=Weather)
    assert answer.choices[0].message.parsed == Weather(city="Köln", rain=True)


def test_openai_streams_a_parsed_answer(openai_sdk: OpenAISdk, provider: ScriptedProvider) -> None:
    """The stream helper sees content events and the parsed end."""
    provider.says(ANSWER)
    with (
        openai_sdk.client() as client,
        client.chat.completions.stream(model=provider.target, messages=ASKED, response_format=Weather) as stream,
    ):
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.parsed == Weather(city="Köln", rain=True)


def test_anthropic_parses_an_answer(anthropic_sdk: AnthropicSdk, provider: ScriptedProvider) -> None:
    """Its own `parse` works against either provider as well."""
    provider.says(ANSWER)
    with anthropic_sdk.client() as client:
        answer = client.messages.parse(model=provider.target, max_tokens=99, messages=ASKED, output_format=Weather)
    assert answer.parsed_output == Weather(city="Köln", rain=True)


def test_anthropic_streams_typed_events(anthropic_sdk: AnthropicSdk, provider: ScriptedProvider) -> None:
    """The stream helper tells text and tool input apart, in order, with snapshots that grow."""
    provider.says(Turn("Let me see.", (Call("call_1", "weather", '{"city": "Köln"}'),)))
    tool: Any = {"name": "weather", "input_schema": {"type": "object"}}
    with (
        anthropic_sdk.client() as client,
        client.messages.stream(model=provider.target, max_tokens=99, messages=ASKED, tools=[tool]) as stream,
    ):
        events: list[Any] = list(stream)
    texts = [event.snapshot for event in events if event.type == "text"]
    assert texts[-1] == "Let me see."
    assert all(after.startswith(before) for before, after in pairwise(texts))
    stops = [event for event in events if event.type == "content_block_stop"]
    assert [event.content_block.type for event in stops] == ["text", "tool_use"]
    assert stops[1].content_block.input == {"city": "Köln"}
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")


@pytest.mark.parametrize("model", ["openai/gpt-4o", "echo/echo"])
def test_tokens_are_counted(anthropic_sdk: AnthropicSdk, model: str) -> None:
    """A provider that cannot count is counted for; a longer prompt has more tokens."""
    with anthropic_sdk.client() as client:
        short, long = (
            client.messages.count_tokens(
                model=model, messages=[{"role": "user", "content": "word " * words}]
            ).input_tokens
            for words in (3, 300)
        )
    assert 0 < short < long


def test_answers_have_ids(sdk: Any, provider: ScriptedProvider) -> None:
    """Where each SDK looks for a request's id, there is one, another for each request."""
    provider.says(Turn("Yes."))
    natives = [sdk.talk(provider.target).say("Well?").ask(streamed=False).native for _ in range(2)]
    ids = {native._request_id for native in natives}
    assert None not in ids
    assert len(ids) == 2


def test_clients_own_id_is_kept_apart(openai_sdk: OpenAISdk) -> None:
    """A raw answer shows the gateway's headers: an id, JSON, and that nothing in between may store it."""
    with openai_sdk.client() as client:
        raw = client.chat.completions.with_raw_response.create(model="echo/echo", messages=ASKED)
    assert raw.headers["x-request-id"]
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["cache-control"] == "no-store"
    assert raw.parse().choices[0].message.content == "The weather in Köln?"


@pytest.mark.parametrize("kind", [OpenAISdk, AnthropicSdk])
def test_vendors_prefix_is_served(gateway: GatewayProcess, kind: type[Sdk], provider: ScriptedProvider) -> None:
    """Each SDK works under its vendor's own prefix, too."""
    provider.says(Turn("Here."))
    make: Any = kind
    sdk: Sdk = make(f"{gateway.url}/{make.name}")
    assert sdk.talk(provider.target).say("Where?").ask(streamed=False).text == "Here."


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_several_choices(openai_sdk: OpenAISdk, *, stream: bool) -> None:
    """`n` answers come with indices of their own, each with its own end."""
    with openai_sdk.client() as client:
        if stream:
            chunks: Any = client.chat.completions.create(model="echo/echo", messages=ASKED, n=3, stream=True)
            choices = [choice for chunk in chunks for choice in chunk.choices]
            texts = ["".join(c.delta.content or "" for c in choices if c.index == n) for n in range(3)]
            ends = sorted(c.index for c in choices if c.finish_reason == "stop")
        else:
            answer = client.chat.completions.create(model="echo/echo", messages=ASKED, n=3)
            texts = [choice.message.content or "" for choice in answer.choices]
            ends = [choice.index for choice in answer.choices if choice.finish_reason == "stop"]
    assert texts == ["The weather in Köln?"] * 3
    assert ends == [0, 1, 2]


def test_what_cannot_be_carried_is_refused_by_name(openai_sdk: OpenAISdk, provider: ScriptedProvider) -> None:
    """A field that the provider's format has no word for is a 400 that names it: nobody is left to wonder."""
    if provider.name != "anthropic":
        return
    provider.says(Turn("Yes."))
    with openai_sdk.client() as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=provider.target, messages=ASKED, n=2)
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_parameter")
    assert provider.upstream.requests == []
