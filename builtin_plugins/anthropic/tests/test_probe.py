"""The probe: what each frame of a relayed stream is, and what the gateway learns from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_anthropic import AnthropicMessages
from llmgate_core.frames import FrameKind
from llmgate_core.upstream_errors import UpstreamBadResponse, UpstreamRejected

START: dict[str, Any] = {
    "type": "message_start",
    "message": {"model": "claude-x", "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}},
}


def begun(**block: Any) -> dict[str, Any]:
    """The start of a block."""
    return {"type": "content_block_start", "index": 0, "content_block": block}


@pytest.fixture
def probe(dialect: AnthropicMessages) -> Any:
    """A fresh one."""
    return dialect.probe(None)  # type: ignore[arg-type]  # it does not look at the request


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (START, FrameKind.LIFECYCLE),
        (begun(type="text", text=""), FrameKind.LIFECYCLE),
        (begun(type="text", text="a"), FrameKind.CONTENT),
        (begun(type="thinking", thinking="", signature=""), FrameKind.LIFECYCLE),
        (begun(type="tool_use", id="t", name="f", input={}), FrameKind.CONTENT),
        (begun(type="redacted_thinking", data="x"), FrameKind.CONTENT),
        ({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}, FrameKind.CONTENT),
        ({"type": "content_block_stop", "index": 0}, FrameKind.LIFECYCLE),
        ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}, FrameKind.LIFECYCLE),
        ({"type": "ping"}, FrameKind.IDLE),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, FrameKind.ERROR),
        ({"type": "message_stop"}, FrameKind.LAST),
        ({"type": "brand_new"}, FrameKind.LIFECYCLE),
    ],
)
@pytest.mark.parametrize(
    "form", ["event: {kind}\ndata: {data}\n\n", "data:{data}\r\n\r\n", "event:{kind}\rdata: {data}\r\r"]
)
def test_every_event_has_its_kind(probe: Any, event: dict[str, Any], kind: FrameKind, form: str) -> None:
    """In whatever form it is framed."""
    assert probe.see(form.format(kind=event["type"], data=json.dumps(event)).encode()) is kind
    assert probe.complete is (kind is FrameKind.LAST)


@pytest.mark.parametrize("frame", [b": comment\n\n", b"event: ping\ndata: {}\n\n", b"data: [DONE]\n\n", b"\n\n"])
def test_comments_are_idle(probe: Any, frame: bytes) -> None:
    """No sign of progress."""
    assert probe.see(frame) is FrameKind.IDLE


@pytest.mark.parametrize(
    "frame",
    [
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"text":"a}\n\n',
        b"event: content_block_delta\ndata: nope}\n\n",
        b"event: content_block_delta\ndata: []\n\n",
        b'event: content_block_stop\ndata: {"index"\n\n',
        b'event: message_start\ndata: {"type":"message_start"}\n\n',
        b'event: content_block_start\ndata: {"type":"content_block_start"}\n\n',
        b'event: message_start\ndata: {"type":"message_start","message":{"model":"\xd5"}}\n\n',
    ],
)
def test_what_is_no_json_must_not_be_relayed(probe: Any, frame: bytes) -> None:
    """The client's SDK would raise on it."""
    with pytest.raises(UpstreamBadResponse):
        probe.see(frame)


def test_data_over_several_lines_is_no_mistake(probe: Any) -> None:
    """The standard allows it."""
    assert (
        probe.see(b'event: content_block_delta\ndata: {"type":\ndata: "content_block_delta"}\n\n') is FrameKind.CONTENT
    )


def test_usage_and_reason_are_learnt(probe: Any, as_sse: Callable[..., bytes]) -> None:
    """Cumulative; a later zero or null never overwrites."""
    probe.see(as_sse([START]))
    usage = probe.summary.usage
    assert (probe.summary.model, usage.input_tokens, usage.output_tokens) == ("claude-x", 15, None)
    last = {"input_tokens": 0, "cache_read_input_tokens": None, "output_tokens": 9}
    probe.see(as_sse([{"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": last}]))
    probe.see(as_sse([{"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 0}}]))
    usage = probe.summary.usage
    assert (usage.input_tokens, usage.output_tokens) == (15, 9)
    assert probe.summary.finish_reason == "length"


def test_an_error_is_kept_with_its_status(probe: Any, as_sse: Callable[..., bytes]) -> None:
    """It can fall back as if it had come before the stream."""
    probe.see(as_sse([{"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}]))
    assert isinstance(probe.error, UpstreamRejected)
    assert (probe.error.upstream_status, probe.error.kind, probe.error.message) == (429, "rate_limit", "slow")
