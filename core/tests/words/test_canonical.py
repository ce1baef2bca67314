"""The canonical form as plain data: nothing is lost on the way to JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from llmgate_core.assembly import events_of
from llmgate_core.canonical import canonical_converter
from llmgate_core.errors import RateLimited
from llmgate_core.events import Event, Failure, Ping
from llmgate_core.messages import Block, ChatRequest, ChatResponse, Image, Message, Source, Text, ToolResult
from llmgate_core.testing.strategies import answers, chats
from llmgate_core.upstream_errors import UpstreamRejected


def again(value: Any, cls: Any) -> Any:
    """To JSON text and back."""
    converter = canonical_converter()
    return converter.structure(json.loads(json.dumps(converter.unstructure(value, cls))), cls)


@settings(max_examples=60, deadline=None)
@given(chats())
def test_any_request_comes_back(chat: ChatRequest) -> None:
    """Every field of every block, tool and setting."""
    assert again(chat, ChatRequest) == chat


@settings(max_examples=60, deadline=None)
@given(answers())
def test_any_answer_and_its_events_come_back(answer: ChatResponse) -> None:
    """Whole, and event by event."""
    assert again(answer, ChatResponse) == answer
    for event in [*events_of(answer), Ping()]:
        assert again(event, Event) == event


def test_blocks_within_blocks() -> None:
    """A tool's result holds blocks of its own."""
    inner = (Text("x", extra={"a": [1, None]}), Image(Source("base64", "AAAA", "image/png"), "low"))
    message = Message("user", (ToolResult("c", inner, is_error=True), Text("y", cache_control={"type": "ephemeral"})))
    assert again(message, Message) == message


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("slow down", retry_after=2.5, param="p"),
        UpstreamRejected("no", upstream_status=529, status=503, kind="overloaded", code="busy"),
    ],
)
def test_failure_keeps_what_a_client_is_told(error: Any) -> None:
    """Status, kind, code, message, wait; and the provider's own status."""
    back = again(Failure(error), Event).error
    for name in ("status", "kind", "code", "message", "param", "retry_after"):
        assert getattr(back, name) == getattr(error, name)
    assert getattr(back, "upstream_status", None) == getattr(error, "upstream_status", None)


@pytest.mark.parametrize("data", [{}, {"block": "Nothing"}, "Text", {"block": "Text", "text": "x", "colour": 1}])
def test_other_data_is_refused(data: Any) -> None:
    """What is no block is not made one."""
    with pytest.raises(Exception, match=r"block must be one of|extra fields|Text"):
        canonical_converter().structure(data, Block)  # type: ignore[arg-type]  # a union is no class to mypy
