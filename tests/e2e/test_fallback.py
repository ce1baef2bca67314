"""Falling back: which errors move on, what the second provider gets, and what the client never notices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anthropic
import openai
import pytest

from llmgate_core.testing import CloseWithoutReply, Reply, Reset, Stream, Truncated
from tests.e2e.ask import refused
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from types import ModuleType

    from llmgate_core.testing import Answer, ScriptedUpstream
    from tests.e2e.ask import Sdk

OPENAI, ANTHROPIC = "openai/gpt-4o", "anthropic/claude-sonnet-4-5"


@pytest.fixture(scope="module")
def more_config() -> str:
    """A chain for one model; nobody tries twice."""
    return f"""
[gateway]
disable = ["retry", "key_rotation"]
[plugins.fallback.models]
"{OPENAI}" = ["{ANTHROPIC}"]
[plugins.router.models]
both = ["{OPENAI}", "{ANTHROPIC}"]
[providers.nowhere]
type = "openai"
base_url = "http://127.0.0.1:9/v1"
keys = ["sk-nowhere-canary"]
"""


@pytest.fixture(autouse=True)
def second_is_well(anthropic_upstream: ScriptedUpstream, anthropic_wire: ModuleType) -> None:
    """The provider to fall back to answers."""
    anthropic_upstream.play(respond=anthropic_wire.says(Turn("From the second.")))


def inside(body: object) -> Stream:
    """A 200 whose stream begins with an error."""
    return Stream([b"data: " + json.dumps(body).encode() + b"\n\n"])


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 529])
def test_status_moves_on(
    sdk: Sdk, openai_upstream: ScriptedUpstream, openai_wire: ModuleType, status: int, *, streamed: bool
) -> None:
    """What another provider may do better is asked of it, and the client sees one good answer."""
    openai_upstream.play(openai_wire.error(status))
    heard = sdk.talk(OPENAI).say("Who?").ask(streamed=streamed)
    assert (heard.text, heard.finish) == ("From the second.", "stop")
    assert len(openai_upstream.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_status_stays(
    sdk: Sdk,
    openai_upstream: ScriptedUpstream,
    anthropic_upstream: ScriptedUpstream,
    openai_wire: ModuleType,
    status: int,
) -> None:
    """The request's own fault is the client's to hear of."""
    openai_upstream.play(openai_wire.error(status))
    assert refused(sdk.talk(OPENAI).say("Who?"), streamed=False).status_code == status
    assert anthropic_upstream.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        Reset(),
        CloseWithoutReply(),
        Truncated(b'{"id": "x", "choices": []}', sent=9),
        Reply(200, b"{not json"),
        Reply(200, b""),
        Reply(204, b""),
        Reply(302, b"", {"location": "http://127.0.0.1:9/"}),
        Stream([], ending="reset"),
        Stream([b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'], ending="close"),
        inside({"error": {"message": "busy", "type": "server_error", "code": "overloaded"}}),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_broken_answer_moves_on(sdk: Sdk, openai_upstream: ScriptedUpstream, answer: Answer, *, streamed: bool) -> None:
    """However the first one breaks before it has said anything, the second one answers."""
    openai_upstream.play(answer)
    assert sdk.talk(OPENAI).say("Who?").ask(streamed=streamed).text == "From the second."


def test_provider_that_is_not_there_moves_on(sdk: Sdk, *, streamed: bool) -> None:
    """A refused connection costs nothing but a moment; the request names its own fallback."""
    talk = sdk.talk("nowhere/gpt-4o").say("Who?")
    assert talk.ask(streamed=streamed, extra_body={"fallbacks": [ANTHROPIC]}).text == "From the second."


def test_requests_own_fallbacks_stay_here(
    sdk: Sdk,
    openai_upstream: ScriptedUpstream,
    anthropic_upstream: ScriptedUpstream,
    openai_wire: ModuleType,
    *,
    streamed: bool,
) -> None:
    """The body's list is obeyed, in order, and neither provider gets to see it."""
    openai_upstream.play(openai_wire.error(503))
    body = {"fallbacks": ["nowhere/x", ANTHROPIC]}
    heard = sdk.talk(OPENAI).say("Who?").ask(streamed=streamed, extra_body=body)
    assert heard.text == "From the second."
    for upstream in (openai_upstream, anthropic_upstream):
        assert "fallbacks" not in upstream.requests[0].json


def test_empty_list_switches_falling_back_off(
    sdk: Sdk, openai_upstream: ScriptedUpstream, openai_wire: ModuleType
) -> None:
    """A request may insist on its provider."""
    openai_upstream.play(openai_wire.error(503))
    error = refused(sdk.talk(OPENAI).say("Who?"), streamed=False, extra_body={"fallbacks": []})
    assert error.status_code == 503


def test_alias_is_a_chain(
    sdk: Sdk, openai_upstream: ScriptedUpstream, openai_wire: ModuleType, *, streamed: bool
) -> None:
    """The targets of an alias are tried in order."""
    openai_upstream.play(openai_wire.error(500))
    assert sdk.talk("both").say("Who?").ask(streamed=streamed).text == "From the second."
    assert len(openai_upstream.requests) == 1


def test_second_gets_the_request_as_it_came(
    sdk: Sdk, openai_upstream: ScriptedUpstream, anthropic_upstream: ScriptedUpstream, openai_wire: ModuleType
) -> None:
    """Each attempt is written from the original: the same request directly gives the second provider the same bytes."""
    openai_upstream.play(openai_wire.error(503))
    sdk.talk(OPENAI).say("Who?").ask(streamed=False)
    sdk.talk(ANTHROPIC).say("Who?").ask(streamed=False)
    first, second = anthropic_upstream.requests
    assert first.body == second.body


def test_all_fail(
    sdk: Sdk,
    openai_upstream: ScriptedUpstream,
    anthropic_upstream: ScriptedUpstream,
    openai_wire: ModuleType,
    anthropic_wire: ModuleType,
    *,
    streamed: bool,
) -> None:
    """The last error is told in the client's dialect, and that the gateway has tried: do not come back at once."""
    openai_upstream.play(openai_wire.error(500))
    anthropic_upstream.play(anthropic_wire.error(529, "Overloaded."))
    error = refused(sdk.talk(OPENAI).say("Who?"), streamed=streamed)
    assert (error.status_code, error.response.headers["x-should-retry"]) == (503, "false")


def test_error_after_content_stays(
    sdk: Sdk, openai_upstream: ScriptedUpstream, anthropic_upstream: ScriptedUpstream, openai_wire: ModuleType
) -> None:
    """What has reached the client is never repeated: the stream ends with an error, and nobody else is asked."""
    frames = openai_wire.frames(Turn("One two three."), "gpt-4o", with_usage=True)
    openai_upstream.play(Stream(frames[:3], ending="reset"))
    with pytest.raises((openai.APIError, anthropic.APIError)):
        sdk.talk(OPENAI).say("Who?").ask(streamed=True)
    assert anthropic_upstream.requests == []
