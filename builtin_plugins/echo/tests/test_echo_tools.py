"""When the echo calls a tool, and with what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, BlockStart
from llmgate_core.messages import Message, Text, Tool, ToolCall, ToolChoice, ToolResult

Ask = Callable[..., Any]
CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
WEATHER, CLOCK = Tool("get_weather", parameters=CITY), Tool("get_time")
BOTH = (WEATHER, CLOCK)


def calls(events: list[Any]) -> list[tuple[str, Any]]:
    """Names and arguments of the calls in a stream of events."""
    started = {e.index: e.block.name for e in events if isinstance(e, BlockStart) and isinstance(e.block, ToolCall)}
    written = dict.fromkeys(started, "")
    for event in events:
        if isinstance(event, BlockDelta) and event.kind == "arguments":
            written[event.index] += event.text
    return [(name, json.loads(written[index])) for index, name in started.items()]


def ids(events: list[Any]) -> list[str]:
    """The ids of the calls in a stream of events."""
    return [e.block.id for e in events if isinstance(e, BlockStart) and isinstance(e.block, ToolCall)]


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("what is the weather?", []),
        ("please use get_weather for Oslo", ["get_weather"]),
        ("Call the tool", ["get_weather"]),
        ("call get_time and GET_WEATHER", ["get_weather", "get_time"]),
        ("call both", ["get_weather", "get_time"]),
        ("forget_weather is no name", []),
        ("I may call you back", []),
    ],
)
async def test_a_tool_is_called_when_the_prompt_asks_for_it(ask: Ask, prompt: str, names: list[str]) -> None:
    """By its name, or by saying to use a tool; several at once when several are meant."""
    events = await ask(prompt, tools=BOTH)
    assert [name for name, _ in calls(events)] == names
    assert events[-1].finishes[0].reason == ("tool_calls" if names else "stop")


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (ToolChoice("none"), []),
        (ToolChoice("auto"), ["get_time"]),
        (ToolChoice("required"), ["get_time"]),
        (ToolChoice("tool", "get_weather"), ["get_weather"]),
        (ToolChoice("allowed", names=("get_weather",)), []),
        (ToolChoice("allowed", names=("get_weather",), required=True), ["get_weather"]),
    ],
)
async def test_the_tool_choice_is_obeyed(ask: Ask, choice: ToolChoice, names: list[str]) -> None:
    """The prompt names get_time; the choice decides what becomes of that."""
    assert [name for name, _ in calls(await ask("run get_time", tools=BOTH, tool_choice=choice))] == names


async def test_required_without_a_name_takes_the_first(ask: Ask) -> None:
    """A call is made though the prompt asks for none."""
    assert calls(await ask("hello", tools=BOTH, tool_choice=ToolChoice("required"))) == [
        ("get_weather", {"city": "echo"})
    ]


async def test_without_parallel_calls_there_is_one(ask: Ask) -> None:
    """parallel_tool_calls = false is obeyed."""
    assert len(calls(await ask("call both", tools=BOTH, parallel_tool_calls=False))) == 1


async def test_arguments_can_be_dictated(ask: Ask) -> None:
    """A JSON object behind the tool's name is taken as its arguments."""
    events = await ask('call get_weather {"city": "Oslo", "days": 2} now', tools=BOTH)
    assert calls(events) == [("get_weather", {"city": "Oslo", "days": 2})]


async def test_broken_dictation_falls_back_to_the_schema(ask: Ask) -> None:
    """What is no JSON object is not repeated."""
    assert calls(await ask('call get_weather {"city', tools=BOTH)) == [("get_weather", {"city": "echo"})]


async def test_a_tool_that_is_not_offered_is_refused(ask: Ask) -> None:
    """A 400 that names tool_choice."""
    with pytest.raises(GatewayError) as caught:
        await ask(tools=BOTH, tool_choice=ToolChoice("tool", "rm"))
    assert (caught.value.status, caught.value.param) == (400, "tool_choice")


async def test_call_ids_differ_within_a_turn_and_between_turns(ask: Ask) -> None:
    """Two calls of one tool, now or later, can be told apart."""
    first = ids(await ask("call both", tools=BOTH))
    later = (Message("user", (Text("x"),)), Message("assistant", (Text("y"),)), Message("user", (Text("call both"),)))
    second = ids(await ask(messages=later, tools=BOTH))
    assert len({*first, *second}) == 4


@pytest.mark.parametrize("role", ["tool", "user"])
async def test_a_tool_result_is_answered_with_its_text(ask: Ask, role: Any) -> None:
    """So a loop of tool calls ends, in both ways that dialects write results, even when a call is demanded."""
    messages = (
        Message("user", (Text("call get_weather"),)),
        Message("assistant", (ToolCall("c1", "get_weather", "{}"), ToolCall("c2", "get_time", "{}"))),
        Message(role, (ToolResult("c1", (Text("12 degrees"),)),)),
        Message(role, (ToolResult("c2", (Text("noon"),)),)),
    )
    events = await ask(messages=messages, tools=BOTH, tool_choice=ToolChoice("required"))
    assert "".join(e.text for e in events if isinstance(e, BlockDelta)) == "12 degrees\nnoon"
    assert events[-1].finishes[0].reason == "stop"


async def test_a_custom_tool_gets_free_text(ask: Ask) -> None:
    """A tool of the kind custom is called with the prompt, not with JSON."""
    events = await ask("use shout", tools=(Tool("shout", kind="custom"),))
    assert events[1].block.kind == "custom"
    assert "".join(e.text for e in events if isinstance(e, BlockDelta)) == "use shout"
