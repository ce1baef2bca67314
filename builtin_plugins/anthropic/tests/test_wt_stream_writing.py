"""Translation cases: canonical events become the stream that a client of this dialect reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_anthropic import AnthropicMessages
from llmgate_core.errors import Unavailable
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.messages import Block, Opaque, RedactedThinking, Refusal, Text, Thinking, ToolCall
from llmgate_core.usage import Usage

START = Start("id", "m", usage=Usage(input_tokens=3))
END = End((Finish("stop"),), Usage(5, 2))


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The order of things: event types, blocks with their type, deltas with theirs."""
    named = []
    for event in events:
        inner = event.get("content_block") or (event.get("delta") if "index" in event else None) or {}
        named.append(" ".join([event["type"].removeprefix("content_"), inner.get("type", "")]).strip())
    return named


def text(index: int, words: str) -> list[Event]:
    """A block of text."""
    return [BlockStart(index, Text("")), BlockDelta(index, "text", words), BlockStop(index)]


def call(index: int, name: str, arguments: str) -> list[Event]:
    """A tool call."""
    return [
        BlockStart(index, ToolCall(f"t{index}", name, "")),
        BlockDelta(index, "arguments", arguments),
        BlockStop(index),
    ]


FRAME = ["message_start", "message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("events", "first"),
    [
        (call(0, "f", "{}"), "block_start tool_use"),
        ([BlockStart(0, Text("")), BlockStop(0), *call(1, "f", "{}")], "block_start tool_use"),
        ([BlockStart(0, Thinking("")), BlockDelta(0, "thinking", "h"), BlockStop(0)], "block_start thinking"),
        (
            [BlockStart(0, Text("")), BlockStart(1, Thinking("")), BlockStop(0), BlockStop(1), *text(2, "a")],
            "block_start text",
        ),
    ],
)
def test_wt_102_the_first_block_has_its_real_type(
    stream_of: Callable[..., Any], events: list[Event], first: str
) -> None:
    """Number 0, and no empty text before it."""
    written = stream_of([START, *events, END])
    assert kinds(written)[1] == first
    assert written[1]["index"] == 0


def test_wt_103_one_message_start(stream_of: Callable[..., Any]) -> None:
    """Whatever comes twice."""
    written = stream_of([START, START, *text(0, "a"), END])
    assert kinds(written).count("message_start") == 1
    assert written[0]["message"]["usage"]["input_tokens"] == 3


def test_wt_104_wt_105_a_change_of_kind_opens_a_new_block(stream_of: Callable[..., Any]) -> None:
    """Stop, start with an empty body, and then the very words that caused it."""
    events = [
        BlockStart(0, Text("")),
        BlockDelta(0, "text", "a"),
        BlockDelta(0, "thinking", "hm"),
        BlockDelta(0, "text", "b"),
        BlockStop(0),
    ]
    written = stream_of([START, *events, END])
    assert kinds(written)[1:-2] == [
        *("block_start text", "block_delta text_delta", "block_stop"),
        *("block_start thinking", "block_delta thinking_delta", "block_stop"),
        *("block_start text", "block_delta text_delta", "block_stop"),
    ]
    assert written[4]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert written[5]["delta"]["thinking"] == "hm"
    assert [event["index"] for event in written if "index" in event] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_wt_104_the_signature_comes_once_at_the_end(stream_of: Callable[..., Any]) -> None:
    """However many pieces it had, and also when the thinking itself was withheld."""
    signed = [BlockDelta(0, "signature", "si"), BlockDelta(0, "signature", "g")]
    for words in ([BlockDelta(0, "thinking", "h")], []):
        written = stream_of([START, BlockStart(0, Thinking("")), *words, *signed, BlockStop(0), END])
        assert kinds(written)[-4:-2] == ["block_delta signature_delta", "block_stop"]
        assert written[-4]["delta"]["signature"] == "sig"
        assert kinds(written).count("block_delta signature_delta") == 1


def test_wt_107_interleaved_calls_come_one_after_the_other(stream_of: Callable[..., Any]) -> None:
    """The first is written as it comes, the others wait; nothing is mixed."""
    events = [
        BlockStart(0, ToolCall("a", "f", "")),
        BlockStart(1, ToolCall("b", "g", "")),
        BlockDelta(1, "arguments", '{"b":'),
        BlockDelta(0, "arguments", '{"a":'),
        BlockStart(2, ToolCall("c", "h", "")),
        BlockDelta(0, "arguments", "1}"),
        BlockDelta(2, "arguments", "{}"),
        BlockStop(2),
        BlockDelta(1, "arguments", "2}"),
        BlockStop(0),
        BlockStop(1),
    ]
    written = stream_of([START, *events, END])
    found: list[tuple[str, str]] = []
    for event in written:
        if event["type"] == "content_block_start":
            found.append((event["content_block"]["name"], ""))
        elif event["type"] == "content_block_delta":
            assert event["index"] == len(found) - 1
            found[-1] = (found[-1][0], found[-1][1] + event["delta"]["partial_json"])
    assert found == [("f", '{"a":1}'), ("g", '{"b":2}'), ("h", "{}")]


def test_wt_107_the_open_block_is_not_held_back(dialect: AnthropicMessages) -> None:
    """Its words reach the client at once; so do those of the next block, once it is its turn."""
    writer = dialect.event_writer(None)  # type: ignore[arg-type]  # this writer does not look at the request
    for event in (START, BlockStart(0, ToolCall("a", "f", "")), BlockStart(1, ToolCall("b", "g", ""))):
        writer.write(event)
    assert b"partial_json" in writer.write(BlockDelta(0, "arguments", "{}"))
    assert writer.write(BlockDelta(1, "arguments", "{")) == b""
    assert b'"{"' in writer.write(BlockStop(0))
    assert b'"}"' in writer.write(BlockDelta(1, "arguments", "}"))


def test_wt_106_wt_109_wt_110_the_end_comes_once_and_last(stream_of: Callable[..., Any]) -> None:
    """Open blocks are closed, then one message_delta with the final usage, then message_stop; the rest is dropped."""
    written = stream_of(
        [START, BlockStart(0, Text("")), BlockDelta(0, "text", "a"), END, *text(1, "late"), END, Ping()]
    )
    assert kinds(written) == [
        *("message_start", "block_start text", "block_delta text_delta", "block_stop"),
        *("message_delta", "message_stop"),
    ]
    assert written[-2]["usage"]["output_tokens"] == 2
    assert written[-2]["usage"]["input_tokens"] == 5


@pytest.mark.parametrize(
    ("blocks", "finish", "expected"),
    [
        (call(0, "f", "{}"), Finish("stop"), "tool_use"),
        (call(0, "f", "{}"), Finish("tool_calls"), "tool_use"),
        (call(0, "f", "{"), Finish("length"), "max_tokens"),
        (text(0, "a"), Finish("stop"), "end_turn"),
        (text(0, "a"), Finish("content_filter"), "refusal"),
        (text(0, "a"), Finish("length", native="pause_turn"), "pause_turn"),
    ],
)
def test_wt_108_the_stop_reason_follows_the_blocks(
    stream_of: Callable[..., Any], blocks: list[Event], finish: Finish, expected: str
) -> None:
    """A call means ``tool_use``, also when the provider said ``stop``."""
    assert stream_of([START, *blocks, End((finish,))])[-2]["delta"]["stop_reason"] == expected


def test_wt_067_the_matched_stop_sequence(stream_of: Callable[..., Any]) -> None:
    """Reason and string."""
    delta = stream_of([START, *text(0, "a"), End((Finish("stop", stop_sequence="END"),))])[-2]["delta"]
    assert (delta["stop_reason"], delta["stop_sequence"]) == ("stop_sequence", "END")


def test_wt_111_writers_share_nothing(dialect: AnthropicMessages) -> None:
    """Two at once give the same bytes."""
    writers = [dialect.event_writer(None) for _ in range(2)]  # type: ignore[arg-type]  # not looked at
    events = [START, *call(0, "f", "{}"), *text(1, "a"), END]
    pairs = [[writer.write(event) for writer in writers] for event in events]
    assert all(one == two for one, two in pairs)


def test_wt_113_an_error_before_and_after_the_first_event(dialect: AnthropicMessages) -> None:
    """The same JSON, as a body and as an event; the writer leaves a failure to the core."""
    error = Unavailable("later")
    body = json.loads(dialect.write_error(error, "req_1"))
    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert (body["error"]["type"], body["error"]["message"]) == ("overloaded_error", "later")
    event = dialect.write_stream_error(error, "req_1")
    assert event.startswith(b"event: error\ndata: {")
    assert event.endswith(b"}\n\n")
    assert dialect.event_writer(None).write(Failure(error)) == b""  # type: ignore[arg-type]  # not looked at


def test_wt_116_a_refusal_is_text_and_a_reason(stream_of: Callable[..., Any]) -> None:
    """The words stand in a block of text."""
    written = stream_of([START, BlockStart(0, Refusal("")), BlockDelta(0, "refusal", "no"), BlockStop(0), END])
    assert written[2]["delta"] == {"type": "text_delta", "text": "no"}
    assert written[-2]["delta"]["stop_reason"] == "refusal"


def test_blocks_that_begin_with_all_they_have(stream_of: Callable[..., Any]) -> None:
    """Redacted thinking and the provider's own tools; another dialect's are left out."""
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    blocks: tuple[Block, ...] = (
        RedactedThinking("zz"),
        Opaque("anthropic.messages", "server_tool_use", server),
        Opaque("x.y", "z", {}),
    )
    events = [event for index, block in enumerate(blocks) for event in (BlockStart(index, block), BlockStop(index))]
    written = stream_of([START, *events, END])
    assert [event["content_block"] for event in written if "content_block" in event] == [
        {"type": "redacted_thinking", "data": "zz"},
        server,
    ]


def test_free_text_for_a_tool_becomes_json(stream_of: Callable[..., Any]) -> None:
    """A custom tool's input must parse like any other."""
    events = [BlockStart(0, ToolCall("a", "f", "", kind="custom")), BlockDelta(0, "arguments", 'say "'), BlockStop(0)]
    (piece,) = [event for event in stream_of([START, *events, END]) if event["type"] == "content_block_delta"]
    assert json.loads(piece["delta"]["partial_json"]) == {"input": 'say "'}


def test_ids_are_such_as_the_api_takes_back(stream_of: Callable[..., Any]) -> None:
    """The client will send them to it, perhaps."""
    written = stream_of([START, BlockStart(0, ToolCall("functions.f:0", "f", "{}")), BlockStop(0), END])
    assert written[1]["content_block"]["id"].replace("_", "").isalnum()


def test_another_choice_is_not_mixed_in(stream_of: Callable[..., Any]) -> None:
    """The format has one."""
    other = [BlockStart(0, Text(""), 1), BlockDelta(0, "text", "B", 1), BlockStop(0, 1)]
    assert len(stream_of([START, *text(0, "a"), *other, END])) == len(FRAME) + 3


def test_ping(stream_of: Callable[..., Any]) -> None:
    """As the API pings."""
    assert stream_of([START, Ping(), END])[1] == {"type": "ping"}
