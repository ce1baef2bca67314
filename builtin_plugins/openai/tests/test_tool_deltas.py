"""Streamed tool calls, in every way that servers have been seen to split them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from llmgate_core.assembly import Assembler
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure
from llmgate_core.messages import Text, ToolCall
from llmgate_core.testing.event_rules import check_events

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

Chunk = Callable[..., dict[str, Any]]


def entry(index: Any = None, call_id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    """One entry of ``tool_calls``, without what is None."""
    function = {key: value for key, value in {"name": name, "arguments": arguments}.items() if value is not None}
    given = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in given.items() if value is not None}


def calls(wire: Wire, chunk: Chunk, *entries: Any, finish: str = "tool_calls") -> list[tuple[str, str, str]]:
    """The whole calls of a stream with one entry per chunk (a list: several in one chunk)."""
    chunks = [chunk({"tool_calls": one if isinstance(one, list) else [one]}) for one in entries]
    events = check_events(wire.events(*chunks, chunk({}, finish)))
    assembler = Assembler()
    for event in events:
        assembler.add(event)
    (choice,) = assembler.response().choices
    assert choice.finish_reason == "tool_calls"
    return [(b.id, b.name, b.arguments) for b in choice.message.content if isinstance(b, ToolCall)]


BRACES = entry(1, arguments="{}")
NULLS = {"index": 0, "id": "a", "type": None, "function": {"name": "f", "arguments": None}}
TWO = [("a", "f", '{"x":1}'), ("b", "g", "{}")]


@pytest.mark.parametrize(
    "entries",
    [
        # as the vendor does it
        [entry(0, "a", "f", ""), entry(0, arguments='{"x"'), entry(0, arguments=":1}"), entry(1, "b", "g", ""), BRACES],
        # whole calls, one a chunk, or all in one
        [entry(0, "a", "f", '{"x":1}'), entry(1, "b", "g", "{}")],
        [[entry(0, "a", "f", '{"x":1}'), entry(1, "b", "g", "{}")]],
        # no index
        [entry(None, "a", "f", '{"x"'), entry(arguments=":1}"), entry(None, "b", "g", "{}")],
        # always the index 0
        [entry(0, "a", "f", '{"x":1}'), entry(0, "b", "g", "{}")],
        # id, name and arguments each in a chunk of their own; the name in pieces, or again
        [entry(0, "a"), entry(0, name="f"), entry(0, arguments='{"x":1}'), entry(1, "b"), entry(1, name="g"), BRACES],
        [entry(0, "a", "f"), entry(0, "a", "f", '{"x"'), entry(0, "a", "f", ":1}"), entry(1, "b", "g", "{}")],
        # arguments before the name
        [entry(0, "a", arguments='{"x"'), entry(0, name="f"), entry(0, arguments=":1}"), entry(1, "b", "g", "{}")],
        # interleaved, and out of order
        [entry(0, "a", "f", '{"x"'), entry(1, "b", "g", "{"), entry(0, arguments=":1}"), entry(1, arguments="}")],
        # nulls where nothing is meant
        [NULLS, {"index": 0, "id": None, "function": {"name": None, "arguments": '{"x":1}'}}, entry(1, "b", "g", "{}")],
    ],
)  # fmt: skip
def test_fragments_give_the_same_calls(wire: Wire, chunk: Chunk, entries: list[Any]) -> None:
    """However they are split, two calls are these two calls."""
    assert calls(wire, chunk, *entries) == TWO


def test_name_in_pieces(wire: Wire, chunk: Chunk) -> None:
    """A name is complete when the arguments begin."""
    assert calls(wire, chunk, entry(0, "a", "get_"), entry(0, name="weather", arguments="{}")) == [
        ("a", "get_weather", "{}")
    ]


def test_wt_107_interleaved_calls_keep_their_blocks(wire: Wire, chunk: Chunk) -> None:
    """Each fragment goes to its own block, and all blocks are closed at the end."""
    events = wire.events(
        chunk({"tool_calls": [entry(0, "a", "f", "1")]}),
        chunk({"tool_calls": [entry(1, "b", "g", "2"), entry(0, arguments="3")]}),
        chunk({}, "tool_calls"),
    )
    assert events[1:-1] == [
        BlockStart(0, ToolCall("a", "f", "")),
        BlockDelta(0, "arguments", "1"),
        BlockStart(1, ToolCall("b", "g", "")),
        BlockDelta(1, "arguments", "2"),
        BlockDelta(0, "arguments", "3"),
        BlockStop(0),
        BlockStop(1),
    ]


def test_wt_108_call_with_finish_reason_stop(wire: Wire, chunk: Chunk) -> None:
    """The reason is tool_calls when a tool was called, whatever the server says."""
    assert calls(wire, chunk, entry(0, "a", "f", "{}"), finish="stop") == [("a", "f", "{}")]


def test_text_then_call_then_text(wire: Wire, chunk: Chunk) -> None:
    """Text is closed by a call; a call without arguments begins when something follows."""
    events = wire.events(
        chunk({"content": "x"}), chunk({"tool_calls": [entry(0, "a", "f")]}), chunk({"content": "y"}), chunk({}, "stop")
    )
    kinds = [(type(e.block).__name__, e.index) for e in events if isinstance(e, BlockStart)]
    assert kinds == [("Text", 0), ("ToolCall", 1), ("Text", 2)]
    assert check_events(events)


def test_ids_are_made_up_when_missing(wire: Wire, chunk: Chunk) -> None:
    """Different calls get different ids, and the same stream the same ones."""
    once = calls(wire, chunk, entry(0, None, "f", "{}"), entry(1, None, "f", "{}"))
    assert once[0][0] != once[1][0]
    assert once == calls(wire, chunk, entry(0, None, "f", "{}"), entry(1, None, "f", "{}"))


def test_custom_and_older_calls(wire: Wire, chunk: Chunk) -> None:
    """Custom tools have free text; the older function_call is one call."""
    custom = [
        chunk({"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": ""}}]}),
        chunk({"tool_calls": [{"index": 0, "custom": {"input": "free"}}]}, "tool_calls"),
    ]
    assert BlockStart(0, ToolCall("a", "f", "", "custom")) in wire.events(*custom)
    older = wire.events(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
        chunk({}, "function_call"),
    )
    assert BlockDelta(0, "arguments", "{}") in older
    assert isinstance(older[-1], End)
    assert (older[-1].finishes[0].reason, older[-1].finishes[0].native) == ("tool_calls", "function_call")


def test_call_without_a_name(wire: Wire, chunk: Chunk) -> None:
    """Nothing but an index is nothing; arguments for no tool at all are the provider's fault."""
    assert not any(
        isinstance(e, BlockStart) for e in wire.events(chunk({"tool_calls": [{"index": 0}]}), chunk({}, "stop"))
    )
    events: list[Event] = wire.events(chunk({"tool_calls": [entry(0, "a", arguments="{}")]}), chunk({}, "stop"))
    assert isinstance(events[-1], Failure)


def test_odd_entries_are_passed_over(wire: Wire, chunk: Chunk) -> None:
    """What is no entry at all does no harm to the answer."""
    for odd in (7, "x", [7], [None], {"a": 1}):
        events = check_events(wire.events(chunk({"content": "x", "tool_calls": odd, "images": odd}), chunk({}, "stop")))
        assert BlockStart(0, Text("")) in events
