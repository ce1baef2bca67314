"""The validator of event streams accepts what is right and names what is wrong."""

from __future__ import annotations

import pytest

from llmgate_core.errors import RateLimited
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.messages import Text, Thinking, ToolCall
from llmgate_core.testing import check_events

START = Start("id", "model")
END = End((Finish("stop"),))
TEXT: list[Event] = [BlockStart(0, Text("")), BlockDelta(0, "text", "a"), BlockStop(0)]
CALL = ToolCall("1", "clock", "")
GOOD: list[list[Event]] = [
    [START, *TEXT, END],
    [Ping(), START, Ping(), *TEXT, Ping(), END],
    [START, END],
    [START, BlockStart(0, Text("")), Failure(RateLimited("slow"))],
    [Failure(RateLimited("slow"))],
    [START, BlockStart(0, CALL), BlockStart(1, CALL), BlockDelta(0, "arguments", "{"), BlockStop(1), BlockStop(0), END],
    [START, *TEXT, BlockStart(0, Text(""), 1), BlockStop(0, 1), End((Finish("stop"), Finish("length", 1)))],
]
BAD: list[tuple[list[Event], str]] = [
    ([], "after 0 events: neither End nor Failure"),
    ([START, *TEXT], "neither End nor Failure"),
    ([START, START, END], "a second Start"),
    ([*TEXT, START, END], "BlockStart before Start"),
    ([END], "End before Start"),
    ([START, END, *TEXT], "BlockStart after the end"),
    ([START, END, END], "End after the end"),
    ([START, BlockStart(1, Text("")), BlockStop(1), END], "has index 1; the next one of choice 0 is 0"),
    ([START, BlockStart(0, Text("")), END], "End while block 0"),
    ([START, BlockDelta(0, "text", "a"), END], "which is not open"),
    ([START, *TEXT, BlockStop(0), END], "which is not open"),
    ([START, BlockStart(0, Text("a")), BlockStop(0), END], "text comes in deltas"),
    ([START, BlockStart(0, ToolCall("1", "clock", "{}")), BlockStop(0), END], "text comes in deltas"),
    ([START, BlockStart(0, ToolCall("", "clock", "")), BlockStop(0), END], "without its id"),
    ([START, BlockStart(0, Thinking("")), BlockDelta(0, "text", "a"), BlockStop(0), END], "'text' in a Thinking"),
    ([START, *TEXT, End(())], "no finish at all"),
    ([START, *TEXT, End((Finish("stop", 1),))], r"no finish for choices \[0\]"),
    ([START, End((Finish("stop"), Finish("stop")))], "a choice twice"),
    ([START, End((Finish("bored"),))], "unknown finish reason 'bored'"),  # type: ignore[arg-type]  # the point of it
]


@pytest.mark.parametrize("events", GOOD)
def test_well_formed_events_pass(events: list[Event]) -> None:
    """Streams that follow the rules are given back."""
    assert check_events(iter(events)) == events


@pytest.mark.parametrize(("events", "told"), BAD)
def test_broken_rule_is_named(events: list[Event], told: str) -> None:
    """Each rule, when broken, is told with the event's number."""
    with pytest.raises(AssertionError, match=told):
        check_events(events)


def test_all_broken_rules_are_told_at_once() -> None:
    """The message lists every one of them."""
    with pytest.raises(AssertionError) as caught:
        check_events([BlockStart(0, Text("")), START, BlockStop(3)])
    assert [line.strip().partition(":")[0] for line in str(caught.value).splitlines()[1:4]] == [
        "event 0",
        "event 2",
        "after 3 events",
    ]
