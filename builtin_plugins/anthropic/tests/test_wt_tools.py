"""Translation cases: tools on offer and the choice among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from llmgate_anthropic import AnthropicMessages
from llmgate_core.messages import ChatRequest, Message, Sampling, Text, Tool, ToolCall, ToolChoice, ToolResult

USER = Message("user", (Text("u"),))
BASE = ChatRequest("m", (USER,), sampling=Sampling(max_tokens=100), dialect="openai.chat")
TOOLS = (Tool("f"), Tool("g"))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("tool", "g"), {"type": "tool", "name": "g"}),
        (ToolChoice("allowed", names=("g",)), {"type": "auto"}),
        (ToolChoice("allowed", names=("g",), required=True), {"type": "any"}),
    ],
)
def test_wt_001_tool_choice(write: Callable[..., Any], choice: ToolChoice | None, expected: Any) -> None:
    """Every form has its counterpart; an allowed list filters the tools."""
    written = write(evolve(BASE, tools=TOOLS, tool_choice=choice))
    assert written.body.get("tool_choice") == expected
    limited = choice is not None and choice.mode == "allowed"
    assert [tool["name"] for tool in written.body["tools"]] == (["g"] if limited else ["f", "g"])
    assert written.lost == ()


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), False, {"type": "none"}),
        (None, True, None),
    ],
)
def test_wt_002_parallel_tool_calls(
    write: Callable[..., Any], choice: ToolChoice | None, parallel: bool, expected: Any
) -> None:
    """Switched off inside the choice, which is made when there is none; never beside ``none``."""
    body = write(evolve(BASE, tools=TOOLS, tool_choice=choice, parallel_tool_calls=parallel)).body
    assert body.get("tool_choice") == expected


def test_wt_002_nothing_is_chosen_where_there_are_no_tools(write: Callable[..., Any]) -> None:
    """A choice without tools would be refused."""
    assert "tool_choice" not in write(evolve(BASE, parallel_tool_calls=False)).body


def test_wt_023_names_are_renamed_everywhere_and_restored(
    write: Callable[..., Any], dialect: AnthropicMessages, events_of: Callable[..., Any]
) -> None:
    """Tools, history and choice agree; the answer and the stream have the client's names again."""
    names = ("a/b", "a.b", "a_b")
    history = (USER, Message("assistant", (ToolCall("1", "a.b", "{}"),)), Message("tool", (ToolResult("1"),)))
    tools = tuple(Tool(name) for name in names)
    chat = evolve(BASE, messages=history, tools=tools, tool_choice=ToolChoice("tool", "a/b"))
    written = write(chat)
    sent = [tool["name"] for tool in written.body["tools"]]
    assert len(set(sent)) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name) for name in sent)
    assert written.body["tool_choice"]["name"] == sent[0]
    assert written.body["messages"][1]["content"][0]["name"] == sent[1]
    answer = (
        b'{"id":"1","type":"message","role":"assistant","model":"m","stop_reason":"tool_use","usage":{},'
        b'"content":[{"type":"tool_use","id":"t","name":"%b","input":{}}]}' % sent[0].encode()
    )
    (block,) = dialect.read_response(answer, written.wire).choices[0].message.content
    assert isinstance(block, ToolCall)
    assert block.name == "a/b"
    stream = [
        {"type": "message_start", "message": {"id": "1", "model": "m", "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {**TOOL_USE, "name": sent[1]}},
    ]
    assert events_of(stream, written.wire.memo)[1].block.name == "a.b"


TOOL_USE: dict[str, Any] = {"type": "tool_use", "id": "t", "input": {}}


def test_wt_023_a_long_name_is_shortened(write: Callable[..., Any]) -> None:
    """Two long names with one beginning stay two."""
    body = write(evolve(BASE, tools=(Tool("x" * 200 + "1"), Tool("x" * 200 + "2")))).body
    assert len({tool["name"] for tool in body["tools"]}) == 2
    assert all(len(tool["name"]) <= 128 for tool in body["tools"])


def test_a_tool_of_another_vendor_is_a_loss(write: Callable[..., Any]) -> None:
    """It is reported, and not sent in a shape that no one knows."""
    written = write(
        evolve(BASE, tools=(Tool("web_search", kind="web_search", extra={"type": "web_search"}), Tool("f")))
    )
    assert written.lost == ("tools[0]",)
    assert [tool["name"] for tool in written.body["tools"]] == ["f"]


def test_a_strict_tool_is_strict_where_the_model_can_be(write: Callable[..., Any]) -> None:
    """Newer models hold to the schema; with an older one the promise is a loss."""
    tool = Tool("f", parameters={"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}, strict=True)
    body = write(evolve(BASE, tools=(tool,))).body
    assert body["tools"][0]["strict"] is True
    assert body["tools"][0]["input_schema"]["additionalProperties"] is False
    assert "minimum" not in body["tools"][0]["input_schema"]["properties"]["n"]
    assert write(evolve(BASE, tools=(tool,)), "claude-3-7-sonnet-20250219").lost == ("tools[0].strict",)
    assert "strict" not in write(evolve(BASE, tools=(evolve(tool, strict=False),))).body["tools"][0]


def test_wt_324_the_client_s_tools_are_not_changed(write: Callable[..., Any]) -> None:
    """Every attempt is written from the original."""
    parameters = {
        "properties": {"a": {"$ref": "#/definitions/A"}},
        "definitions": {"A": {"oneOf": [{"type": "string"}]}},
    }
    before = repr(parameters)
    chat = evolve(BASE, tools=(Tool("f", parameters=parameters, strict=True),))
    first = write(chat).wire.body
    assert repr(parameters) == before
    assert write(chat).wire.body == first
