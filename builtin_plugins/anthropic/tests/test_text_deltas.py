"""A piece of text is read and written at once, and comes out as the patient way has it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_anthropic.event_reader import MessagesReader
from llmgate_anthropic.event_writer import MessagesWriter, _frame
from llmgate_anthropic.native_frames import text_delta
from llmgate_anthropic.write_request import Memo
from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, BlockStart
from llmgate_core.messages import Text, ToolCall

START = {"type": "message_start", "message": {"id": "i", "model": "m", "usage": {"input_tokens": 1}}}
DELTA: dict[str, Any] = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
BLOCKS: list[dict[str, Any]] = [
    {"type": "text", "text": ""},
    {"type": "thinking", "thinking": ""},
    {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    {"type": "server_tool_use", "id": "t", "name": "f", "input": {}},
]
VALUES: list[Any] = [None, True, 0, 1, -1, 1.0, "", "x", "é", "text_delta", "input_json_delta", "message_stop", [], {}]


def events(stream: list[dict[str, Any]], *, patient: bool) -> list[Any]:
    """What is read of each event, or the error that it is. With its name behind its data none is looked at quickly."""
    reader = MessagesReader(Memo.plain())
    found: list[Any] = []
    for event in stream:
        name, data = b"event: content_block_delta\n", b"data: " + json.dumps(event).encode() + b"\n"
        try:
            found.append(list(reader.read((data + name if patient else name + data) + b"\n")))
        except GatewayError as error:
            found.append((type(error), error.message))
    return [*found, list(reader.close())]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("place", ["event", "delta"])
def test_a_delta_is_read_as_any_other(block: dict[str, Any], place: str) -> None:
    """Whatever is different about it, and whatever block it is for."""
    opened = {"type": "content_block_start", "index": 0, "content_block": block}
    for name in ("type", "index", "delta", "text", "partial_json", "vendor"):
        for value in VALUES:
            altered = copy.deepcopy(DELTA)
            (altered if place == "event" else altered["delta"])[name] = value
            stream: list[dict[str, Any]] = [
                START,
                opened,
                DELTA,
                altered,
                {"type": "content_block_stop", "index": 0},
                DELTA,
            ]
            assert repr(events(stream, patient=False)) == repr(events(stream, patient=True))


def test_text_is_read_at_once() -> None:
    """Or the property above would hold for nothing; and what is no UTF-8 is no text."""
    frame = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":%b}\n\n'
    found = text_delta(frame % '{"type":"text_delta","text":"é"}'.encode())
    assert found is not None
    assert found.delta.text == "é"
    assert text_delta(frame % b'{"type":"text_delta","text":"\xe9"}') is None
    assert text_delta(b"event: ping\ndata: {}\n\n") is None


@given(texts=st.lists(st.text(), min_size=1), interleaved=st.booleans())
def test_a_piece_is_written_as_any_other(texts: list[str], interleaved: bool) -> None:
    """The same bytes, if it may be written at all: an empty one is left out, and so is one behind an open block."""
    writer = MessagesWriter()
    writer.write(BlockStart(0, Text("first")))
    if interleaved:
        writer.write(BlockStart(1, ToolCall("c", "f", "")))
    for text in texts:
        delta = {"type": "text_delta", "text": text}
        expected = _frame("content_block_delta", {"index": 0, "delta": delta}) if text else b""
        assert writer.write(BlockDelta(0, "text", text)) == expected
        assert writer.write(BlockDelta(0, "text", text, 1)) == b""
        assert writer.write(BlockDelta(1, "arguments", text)) == b""
