"""The canned answers are what the vendors' own types say: a scripted upstream that lies proves nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.types import (
    ErrorResponse,
    InputJSONDelta,
    Message,
    RawContentBlockDeltaEvent,
    RawMessageStreamEvent,
)
from openai.types import ErrorObject
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, TypeAdapter

from llmgate_core.testing import ScriptedUpstream
from tests.e2e.ask import AnthropicSdk, OpenAISdk, Sdk
from tests.e2e.wires.turn import Call, Turn

if TYPE_CHECKING:
    from types import ModuleType

TURNS = {
    "text": Turn("It rains in Zürich. ☔", cached=4),
    "cut": Turn("It rai", finish="length"),
    "filtered": Turn("No.", finish="content_filter"),
    "tool": Turn(calls=(Call("call_1", "weather", '{"city": "Köln"}'),)),
    "tools": Turn("Let me see.", (Call("call_1", "weather", '{"city": "Rom"}'), Call("call_2", "clock", "{}"))),
    "thinking": Turn("Rain.", thinking="What do I know? Clouds.", signature="c2lnbmVk"),
}
ALLOWED_EXTRAS = {"reasoning_content"}


def extras(value: Any) -> set[str]:
    """Fields that the SDK's types do not know, at any depth."""
    found: set[str] = set()
    if isinstance(value, BaseModel):
        found |= set(value.model_extra or {})
        for name in type(value).model_fields:
            found |= extras(getattr(value, name))
    elif isinstance(value, list):
        found |= {name for one in value for name in extras(one)}
    return found


def strictly(kind: Any, data: Any) -> Any:
    """Data as that type, nothing coerced, missing or unknown."""
    value = TypeAdapter(kind).validate_json(json.dumps(data), strict=True)
    assert extras(value) <= ALLOWED_EXTRAS
    return value


@pytest.mark.parametrize("turn", TURNS.values(), ids=list(TURNS))
def test_openai_answers_are_true(openai_wire: ModuleType, turn: Turn) -> None:
    """Whole answers, chunks with and without usage."""
    assert strictly(ChatCompletion, openai_wire.whole(turn, "gpt-4o")).choices[0].finish_reason == turn.ending
    for with_usage in (False, True):
        found = [
            strictly(ChatCompletionChunk, one) for one in openai_wire.chunks(turn, "gpt-4o", with_usage=with_usage)
        ]
        assert len({(one.id, one.created, one.model) for one in found}) == 1
        assert bool(found[-1].usage) is with_usage


@pytest.mark.parametrize("turn", TURNS.values(), ids=list(TURNS))
def test_anthropic_answers_are_true(anthropic_wire: ModuleType, turn: Turn) -> None:
    """Whole messages and every event of their streams (pings the SDK skips)."""
    strictly(Message, anthropic_wire.whole(turn, "claude-sonnet-4-5"))
    events = anthropic_wire.events(turn, "claude-sonnet-4-5")
    found = [strictly(RawMessageStreamEvent, one) for one in events if one["type"] != "ping"]
    parts = [
        e.delta.partial_json
        for e in found
        if isinstance(e, RawContentBlockDeltaEvent) and isinstance(e.delta, InputJSONDelta)
    ]
    assert "".join(parts) == "".join(call.arguments for call in turn.calls)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 504, 529])
def test_errors_are_true(openai_wire: ModuleType, anthropic_wire: ModuleType, status: int) -> None:
    """Error bodies have the fields and the types that the SDKs know (they have no words for 413)."""
    strictly(ErrorObject, openai_wire.error_body(status)["error"])
    strictly(ErrorResponse, anthropic_wire.error_body(status))


@pytest.mark.parametrize("turn", TURNS.values(), ids=list(TURNS))
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_sdk_understands_its_own_vendor(
    openai_wire: ModuleType, anthropic_wire: ModuleType, vendor: str, turn: Turn, *, streamed: bool
) -> None:
    """Spoken to directly, without a gateway, the scripted upstream tells each SDK the turn it was given."""
    wire = openai_wire if vendor == "openai" else anthropic_wire
    with ScriptedUpstream(respond=wire.says(turn)) as upstream:
        sdk: Sdk = OpenAISdk(upstream.url) if vendor == "openai" else AnthropicSdk(upstream.url)
        heard = sdk.talk("some-model").say("Hello.").ask(streamed=streamed)
    assert (heard.text, heard.thinking, heard.finish) == (turn.text, turn.thinking, turn.ending)
    assert heard.usage == (turn.asked, turn.answered, turn.cached)
    assert [call[:2] for call in heard.calls] == [(call.id, call.name) for call in turn.calls]
