"""Translation cases: structured answers, natively and by a tool made for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from llmgate_anthropic import AnthropicMessages
from llmgate_core.assembly import Assembler
from llmgate_core.dialect import Losses
from llmgate_core.messages import (
    ChatRequest,
    ChatResponse,
    Message,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
OUTPUT = OutputFormat("json_schema", SCHEMA, name="answer", strict=True)
CHAT = ChatRequest(
    "m", (Message("user", (Text("u"),)),), sampling=Sampling(max_tokens=9000), output=OUTPUT, dialect="openai.chat"
)
OLD = "claude-sonnet-4-0"
ANSWER = {"type": "tool_use", "id": "t1", "name": "give_answer", "input": {"n": 1}}
REAL = {"type": "tool_use", "id": "t2", "name": "f", "input": {}}


def answer(*blocks: dict[str, Any]) -> bytes:
    """A provider's answer of these blocks."""
    message = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": list(blocks)}
    return json.dumps({**message, "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}}).encode()


def test_wt_043_native_where_the_model_has_it(write: Callable[..., Any]) -> None:
    """No tool is made, and the schema is made to fit."""
    body = write(CHAT).body
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}
    }
    assert "tools" not in body


def test_wt_043_else_a_tool_is_made_and_forced(write: Callable[..., Any]) -> None:
    """Its input is the answer."""
    written = write(CHAT, OLD)
    (tool,) = written.body["tools"]
    assert tool["input_schema"] == SCHEMA
    assert written.body["tool_choice"] == {"type": "tool", "name": tool["name"]}
    assert "output_config" not in written.body
    assert written.lost == ()


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, {"type": "any"}),
        (ToolChoice("auto"), False, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_wt_043_real_tools_stay_beside_it(
    write: Callable[..., Any], choice: ToolChoice | None, parallel: bool | None, expected: Any
) -> None:
    """The model calls one of them, or gives the answer."""
    chat = evolve(CHAT, tools=(Tool("f"), Tool("give_answer")), tool_choice=choice, parallel_tool_calls=parallel)
    body = write(chat, OLD).body
    assert [tool["name"] for tool in body["tools"]] == ["f", "give_answer", "give_answer_"]
    assert body["tool_choice"] == expected


@pytest.mark.parametrize("model", [OLD, "claude-opus-5-5"])
def test_a_request_written_again_in_its_own_dialect_is_the_same_bytes(
    dialect: AnthropicMessages, request_of: Callable[..., Any], model: str
) -> None:
    """A provider's prompt cache sees no difference: fields have one order, whoever writes them."""
    asked = evolve(CHAT, tools=(Tool("f", "what f does"),), tool_choice=ToolChoice("auto"), parallel_tool_calls=False)
    for chat in (asked, evolve(asked, reasoning=Reasoning(effort="low"), user="u", service_tier="auto", stream=True)):
        body = dialect.write_request(chat, model, Losses()).body
        assert b'"name":"f","description":' in body
        assert dialect.write_request(request_of(body).canonical, model, Losses()).body == body


def test_wt_043_no_tool_may_be_called_but_the_answer_s(write: Callable[..., Any]) -> None:
    """``none`` is about the client's tools. A model that thinks cannot be forced: it gets the schema in words."""
    chat = evolve(CHAT, tools=(Tool("f"),), tool_choice=ToolChoice("none"))
    body = write(chat, OLD).body
    assert [tool["name"] for tool in body["tools"]] == ["f", "give_answer"]
    assert body["tool_choice"] == {"type": "tool", "name": "give_answer"}
    thinking = write(evolve(chat, reasoning=Reasoning(effort="low")), OLD).body
    assert [tool["name"] for tool in thinking["tools"]] == ["f"]
    assert thinking["tool_choice"] == {"type": "none"}
    assert json.dumps(SCHEMA, separators=(",", ":")) in thinking["system"][0]["text"]


def test_wt_043_a_tool_that_must_be_called_leaves_no_text_to_shape(write: Callable[..., Any]) -> None:
    """The forced tool stays forced, and nothing is made."""
    body = write(evolve(CHAT, tools=(Tool("f"),), tool_choice=ToolChoice("required")), OLD).body
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == {"type": "any"}


def test_wt_043_a_thinking_model_is_asked_not_forced(write: Callable[..., Any]) -> None:
    """Force and thinking exclude one another."""
    body = write(evolve(CHAT, reasoning=Reasoning(effort="low")), OLD).body
    assert body["thinking"]["type"] == "enabled"
    assert "tool_choice" not in body


def test_wt_043_the_answer_is_unwrapped(write: Callable[..., Any], dialect: AnthropicMessages) -> None:
    """Text again, and finished by ``stop``; with a real call beside it, by ``tool_calls``."""
    wire = write(CHAT, OLD).wire
    choice = dialect.read_response(answer(ANSWER), wire).choices[0]
    assert choice.message.content == (Text('{"n":1}'),)
    assert choice.finish_reason == "stop"
    both = dialect.read_response(answer(ANSWER, REAL), wire).choices[0]
    assert [type(block) for block in both.message.content] == [Text, ToolCall]
    assert both.finish_reason == "tool_calls"


def streamed(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """The same answer as a stream, its input in two pieces."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"id": "1", "model": "m", "usage": {}}}]
    for index, block in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}})
        text = json.dumps(block["input"])
        for piece in (text[:3], text[3:]):
            delta = {"type": "input_json_delta", "partial_json": piece}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}})
    return [*events, {"type": "message_stop"}]


@pytest.mark.parametrize(
    ("blocks", "kinds", "reason"), [((ANSWER,), [Text], "stop"), ((ANSWER, REAL), [Text, ToolCall], "tool_calls")]
)
def test_wt_043_the_answer_is_unwrapped_in_a_stream(
    write: Callable[..., Any], events_of: Callable[..., Any], blocks: Any, kinds: list[type], reason: str
) -> None:
    """The pieces of its input come as text."""
    assembler = Assembler()
    for event in events_of(streamed(*blocks), write(CHAT, OLD).wire.memo):
        assembler.add(event)
    response: ChatResponse = assembler.response()
    content = response.choices[0].message.content
    assert [type(block) for block in content] == kinds
    assert content[0] == Text('{"n": 1}')
    assert response.choices[0].finish_reason == reason


@pytest.mark.parametrize("model", [OLD, "claude-opus-5"])
def test_wt_043_json_without_a_schema_is_asked_for_in_words(write: Callable[..., Any], model: str) -> None:
    """A tool with an empty schema would make the model answer ``{}``."""
    chat = evolve(CHAT, output=OutputFormat("json_object"), messages=(Message("system", (Text("s"),)), *CHAT.messages))
    body = write(chat, model).body
    assert "tools" not in body
    assert "output_config" not in body
    assert body["system"][0]["text"] == "s"
    assert "JSON" in body["system"][1]["text"]


def test_a_schema_of_no_object_is_a_loss_for_old_models(write: Callable[..., Any]) -> None:
    """A tool's input is an object."""
    chat = evolve(CHAT, output=OutputFormat("json_schema", {"type": "array", "items": {"type": "string"}}))
    assert write(chat, OLD).lost == ("response_format",)
    assert write(chat).lost == ()
