"""Translation cases: a provider's stream becomes canonical events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_anthropic import AnthropicMessages
from llmgate_core.assembly import Assembler
from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Failure, Ping, Start
from llmgate_core.messages import Opaque, RedactedThinking, Text, ToolCall
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse, UpstreamRejected
from llmgate_core.wirevalues import WireRequest

START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 2,
            "cache_creation_input_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 1,
        },
    },
}
STOP = {"type": "message_stop"}


def done(reason: str = "end_turn", **usage: Any) -> dict[str, Any]:
    """The last event but one."""
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """A block's events."""
    begun = {"type": "content_block_start", "index": index, "content_block": start}
    pieces = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [begun, *pieces, {"type": "content_block_stop", "index": index}]


def partial(text: str) -> dict[str, Any]:
    """A piece of a tool's input."""
    return {"type": "input_json_delta", "partial_json": text}


TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


def test_wt_070_server_tools_are_told_whole_and_never_as_calls(events_of: Callable[..., Any]) -> None:
    """Their input is the provider's business; what a client of this dialect needs is all there."""
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    events = events_of([START, *block(0, server, partial('{"query":'), partial('"q"}')), done(), STOP])
    assert events[1] == BlockStart(
        0, Opaque("anthropic.messages", "server_tool_use", {**server, "input": {"query": "q"}})
    )
    assert not [event for event in events if isinstance(event, BlockDelta)]


def test_wt_071_a_call_begins_with_its_name_and_no_arguments(events_of: Callable[..., Any]) -> None:
    """Arguments come as they are written."""
    events = events_of([START, *block(0, TOOL, partial(""), partial('{"q":'), partial("1}")), done("tool_use"), STOP])
    assert events[1] == BlockStart(0, ToolCall("t", "f", ""))
    assert [event.text for event in events if isinstance(event, BlockDelta)] == ['{"q":', "1}"]


@pytest.mark.parametrize(("given", "expected"), [({}, "{}"), ({"q": 1}, '{"q":1}')])
def test_wt_072_a_call_without_deltas_has_arguments_that_parse(
    events_of: Callable[..., Any], given: dict[str, Any], expected: str
) -> None:
    """``{}``, or what the block began with, before the block ends."""
    events = events_of([START, *block(0, {**TOOL, "input": given}), done("tool_use"), STOP])
    assert events[2:4] == [BlockDelta(0, "arguments", expected), BlockStop(0)]


def test_wt_073_blocks_are_numbered_in_the_order_they_are_told(events_of: Callable[..., Any]) -> None:
    """Without gaps, whatever numbers the wire had."""
    stream = [START, *block(3, {"type": "text", "text": ""}), *block(7, TOOL), *block(9, TOOL), done(), STOP]
    assert [event.index for event in events_of(stream) if isinstance(event, BlockStart)] == [0, 1, 2]


def test_wt_075_frames_of_every_form_are_read(events_of: Callable[..., Any]) -> None:
    """CRLF, comments, no space after the colon, data over several lines, no event line."""
    lines = json.dumps(START, indent=1).replace("\n", "\r\ndata:")
    stream = (
        f": hello\r\n\r\nevent:message_start\r\ndata:{lines}\r\n\r\n".encode()
        + b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        + 'event:content_block_delta\ndata:{"index":0,"delta":{"type":"text_delta","text":"gr\u00fc\u2028n"}}\n\n'.encode()
        + b"event: message_stop\ndata: {}\n\n"
    )
    events = events_of(stream)
    assert isinstance(events[0], Start)
    assert events[2] == BlockDelta(0, "text", "gr\u00fc\u2028n")
    assert isinstance(events[-1], End)


def test_wt_076_ping(events_of: Callable[..., Any]) -> None:
    """A sign of life, and nothing else."""
    assert events_of([{"type": "ping"}, START, done(), STOP])[0] == Ping()


@pytest.mark.parametrize(
    ("kind", "upstream", "status"),
    [
        ("overloaded_error", 529, 503),
        ("rate_limit_error", 429, 429),
        ("api_error", 500, 502),
        ("timeout_error", 504, 504),
        ("authentication_error", 401, 502),
        ("invalid_request_error", 400, 400),
        ("brand_new_error", 500, 502),
    ],
)
def test_wt_077_an_error_event_has_the_status_of_its_type(
    events_of: Callable[..., Any], kind: str, upstream: int, status: int
) -> None:
    """So that it can fall back like any other, when nothing was sent yet."""
    events = events_of([START, {"type": "error", "error": {"type": kind, "message": "no"}}, done(), STOP])
    failure = events[-1]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, UpstreamRejected)
    assert (failure.error.upstream_status, failure.error.status) == (upstream, status)
    assert not [event for event in events if isinstance(event, End)]


def test_wt_295_an_error_of_a_compatible_server(events_of: Callable[..., Any]) -> None:
    """Another shape, with a status in it."""
    failure = events_of(b'data: {"error":{"message":"slow down","code":429}}\n\n')[0]
    assert isinstance(failure, Failure)
    assert failure.error.status == 429
    assert failure.error.message == "slow down"


def test_wt_078_wt_079_usage_is_merged_from_both_places(events_of: Callable[..., Any]) -> None:
    """Input and cache split from the start, output from the end; the start's output count is a placeholder."""
    events = events_of([START, done(output_tokens=15), STOP])
    assert events[0].usage.output_tokens is None
    usage = events[-1].usage
    assert (usage.input_tokens, usage.output_tokens) == (15, 15)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (2, 3)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (1, 2)


def test_wt_320_a_later_zero_never_overwrites(events_of: Callable[..., Any]) -> None:
    """Some servers repeat the input as 0 or null at the end."""
    later = done(input_tokens=0, cache_read_input_tokens=None, output_tokens=4)
    events = events_of([START, later, done(output_tokens=0), STOP])
    assert (events[-1].usage.input_tokens, events[-1].usage.output_tokens) == (15, 4)


def test_wt_081_redacted_thinking_is_delivered(events_of: Callable[..., Any]) -> None:
    """It has no deltas: all of it is in its start."""
    events = events_of([START, *block(0, {"type": "redacted_thinking", "data": "zz"}), done(), STOP])
    assert events[1:3] == [BlockStart(0, RedactedThinking("zz", "anthropic.messages")), BlockStop(0)]


def test_wt_082_one_id_for_the_whole_answer(events_of: Callable[..., Any]) -> None:
    """It is told once."""
    starts = [event for event in events_of([START, done(), STOP]) if isinstance(event, Start)]
    assert [(start.id, start.model) for start in starts] == [("msg_1", "claude-x")]


@pytest.mark.parametrize("cut", [0, 1, 3, 4])
def test_wt_083_without_message_stop_the_answer_is_not_whole(events_of: Callable[..., Any], cut: int) -> None:
    """An error, wherever the stream was cut."""
    stream = [START, *block(0, {"type": "text", "text": "a"}), done(), STOP][:cut]
    events = events_of(stream)
    assert isinstance(events[-1], Failure)
    assert isinstance(events[-1].error, StreamInterrupted)


def test_wt_084_one_end_with_the_reason(events_of: Callable[..., Any]) -> None:
    """After it nothing counts."""
    stream = [START, done("max_tokens", output_tokens=3), STOP, done("end_turn"), STOP, START]
    events = events_of(stream)
    assert [type(event) for event in events] == [Start, End]
    assert (events[-1].finishes[0].reason, events[-1].finishes[0].native) == ("length", "max_tokens")


def test_thinking_with_its_signature(events_of: Callable[..., Any]) -> None:
    """Put together it is the block that the provider wants back."""
    deltas = (
        {"type": "thinking_delta", "thinking": "h"},
        {"type": "thinking_delta", "thinking": "m"},
        {"type": "signature_delta", "signature": "si"},
        {"type": "signature_delta", "signature": "g=="},
    )
    assembler = Assembler()
    for event in events_of(
        [START, *block(0, {"type": "thinking", "thinking": "", "signature": ""}, *deltas), done(), STOP]
    ):
        assembler.add(event)
    (thinking,) = assembler.response().choices[0].message.content
    assert (thinking.text, thinking.signature, thinking.dialect) == ("hm", "sig==", "anthropic.messages")  # type: ignore[union-attr]  # a block of thinking


def test_citations_join_their_text(events_of: Callable[..., Any]) -> None:
    """Each in an event of its own."""
    citation = {"type": "char_location", "cited_text": "x"}
    deltas = ({"type": "text_delta", "text": "a"}, {"type": "citations_delta", "citation": citation})
    assembler = Assembler()
    for event in events_of([START, *block(0, {"type": "text", "text": "", "citations": []}, *deltas), done(), STOP]):
        assembler.add(event)
    (text,) = assembler.response().choices[0].message.content
    assert text == Text("a", extra={"citations": [citation]})


def test_a_block_of_a_new_kind_is_kept_whole(events_of: Callable[..., Any]) -> None:
    """Its deltas are put together by their fields' names."""
    deltas = ({"type": "x_delta", "content": "a"}, {"type": "x_delta", "content": "b", "n": 1})
    events = events_of([START, *block(0, {"type": "x", "content": ""}, *deltas), done(), STOP])
    assert events[1].block == Opaque("anthropic.messages", "x", {"type": "x", "content": "ab", "n": 1})


def test_events_of_new_kinds_are_skipped(events_of: Callable[..., Any]) -> None:
    """The API says that there may be new ones."""
    assert [type(event) for event in events_of([START, {"type": "brand_new"}, done(), STOP])] == [Start, End]


@pytest.mark.parametrize(
    "frame",
    [
        b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n',
        b"data: [1]\n\n",
        b'data: {"type":"message_start"}\n\n',
        b'data: {"type":"content_block_delta","index":5,"delta":{"type":"text_delta","text":"a"}}\n\n',
        b'data: {"type":"content_block_stop","index":5}\n\n',
    ],
)
def test_a_malformed_frame_ends_the_stream(dialect: AnthropicMessages, frame: bytes) -> None:
    """Text after it could be wrong."""
    with pytest.raises(UpstreamBadResponse):
        list(dialect.event_reader(WireRequest(b"")).read(frame))


def test_wt_111_streams_share_nothing(dialect: AnthropicMessages, as_sse: Callable[..., bytes]) -> None:
    """Two at once, frame by frame in turn."""
    readers = [dialect.event_reader(WireRequest(b"")) for _ in range(2)]
    kinds: list[list[type]] = [[], []]
    for event in [START, *block(0, TOOL, partial("{}")), done("tool_use", output_tokens=2), STOP]:
        for reader, seen in zip(readers, kinds, strict=True):
            seen += [type(found) for found in reader.read(as_sse([event]))]
    assert kinds[0] == kinds[1] == [Start, BlockStart, BlockDelta, BlockStop, End]


def test_the_error_of_a_stream_can_be_raised(events_of: Callable[..., Any]) -> None:
    """It is one of the gateway's own."""
    assert isinstance(events_of([])[0].error, GatewayError)
