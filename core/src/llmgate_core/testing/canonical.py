"""Canonical values that no dialect made: what a translation must be able to carry, or say that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve

from llmgate_core.messages import (
    Audio,
    Block,
    ChatRequest,
    ChatResponse,
    Choice,
    File,
    FinishReason,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    RedactedThinking,
    Refusal,
    Sampling,
    Source,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from llmgate_core.usage import Usage

SCHEMA = MappingProxyType(
    {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CACHED = MappingProxyType({"type": "ephemeral"})

Change = Callable[[ChatRequest], ChatRequest]


def plain_chat() -> ChatRequest:
    """A chat of a dialect that nobody speaks: a question, a tool call with its result, two tools on offer."""
    return ChatRequest(
        model="some-model",
        messages=(
            Message("user", (Text("What is the weather in Turin?"),)),
            Message("assistant", (ToolCall("call_1", "weather", '{"city":"Turin"}'),)),
            Message("tool", (ToolResult("call_1", (Text("rain"),)),)),
            Message("user", (Text("And in Milan?"),)),
        ),
        tools=(Tool("weather", "Tells the weather.", dict(SCHEMA)), Tool("clock", "Tells the time.", dict(SCHEMA))),
        sampling=Sampling(max_tokens=500),
        dialect="elsewhere",
    )


def features() -> Mapping[str, Change]:
    """Changes to :func:`plain_chat` by name, each one thing that a client of some dialect can say."""
    changes: dict[str, Change] = {
        "system": lambda chat: _first(chat, Message("system", (Text("Be brief."),))),
        "developer": lambda chat: _first(chat, Message("developer", (Text("Be brief."),))),
        "message.name": lambda chat: _first(chat, Message("user", (Text("Hello."),), name="ann")),
        "text.cache_control": lambda chat: _say(chat, Text("Hello.", cache_control=dict(CACHED))),
        "image.url": lambda chat: _say(chat, Image(Source("url", "https://example.org/a.png"))),
        "image.base64": lambda chat: _say(chat, Image(Source("base64", PIXEL, "image/png"))),
        "image.detail": lambda chat: _say(chat, Image(Source("url", "https://example.org/a.png"), detail="high")),
        "audio": lambda chat: _say(chat, Audio(Source("base64", "UklGRg==", "audio/wav"), "wav")),
        "file.base64": lambda chat: _say(chat, File(Source("base64", "JVBERi0=", "application/pdf"), "a.pdf")),
        "file.text": lambda chat: _say(chat, File(Source("text", "All of it.", "text/plain"), "a.txt")),
        "file.url": lambda chat: _say(chat, File(Source("url", "https://example.org/a.pdf"), "a.pdf")),
        "file.file_id": lambda chat: _say(chat, File(Source("file_id", "file-1"))),
        "thinking.signed_elsewhere": lambda chat: _said(chat, Thinking("Hm.", "c2lnbmVk", "elsewhere"), Text("Well.")),
        "thinking.redacted_elsewhere": lambda chat: _said(
            chat, RedactedThinking("b3BhcXVl", "elsewhere"), Text("Well.")
        ),
        "refusal": lambda chat: _said(chat, Refusal("I would rather not.")),
        "tool_call.beside_text": lambda chat: _swap(chat, 1, Text("Let me see."), *chat.messages[1].content),
        "tool_result.is_error": lambda chat: _swap(chat, 2, ToolResult("call_1", (Text("rain"),), is_error=True)),
        "tool_result.image": lambda chat: _swap(
            chat, 2, ToolResult("call_1", (Text("rain"), Image(Source("base64", PIXEL, "image/png"))))
        ),
        "tool.strict": lambda chat: evolve(chat, tools=(evolve(chat.tools[0], strict=True), chat.tools[1])),
        "tool.cache_control": lambda chat: evolve(
            chat, tools=(chat.tools[0], evolve(chat.tools[1], cache_control=dict(CACHED)))
        ),
        "tool.kind": lambda chat: evolve(
            chat, tools=(*chat.tools, Tool("seek", kind="seek_2024", extra={"type": "seek_2024", "name": "seek"}))
        ),
        "parallel_tool_calls": lambda chat: evolve(chat, parallel_tool_calls=False),
        "output.json_object": lambda chat: evolve(chat, output=OutputFormat("json_object")),
        "output.json_schema": lambda chat: evolve(chat, output=OutputFormat("json_schema", dict(SCHEMA), "weather")),
        "user": lambda chat: evolve(chat, user="user-7"),
        "service_tier": lambda chat: evolve(chat, service_tier="priority"),
        "metadata": lambda chat: evolve(chat, metadata={"run": "7"}),
        "reasoning.effort": lambda chat: evolve(chat, reasoning=Reasoning(effort="high")),
        "reasoning.budget_tokens": lambda chat: _more(
            evolve(chat, reasoning=Reasoning("enabled", budget_tokens=2048)), max_tokens=8000
        ),
        "extra": lambda chat: evolve(chat, extra={"x_elsewhere": {"a": 1}}),
    }
    choices = {
        "none": ToolChoice("none"),
        "required": ToolChoice("required"),
        "tool": ToolChoice("tool", name="clock"),
        "allowed": ToolChoice("allowed", names=("clock",), required=True),
    }
    for name, choice in choices.items():
        changes[f"tool_choice.{name}"] = lambda chat, choice=choice: evolve(chat, tool_choice=choice)  # type: ignore[misc]  # bound early
    for name, value in SAMPLING.items():
        changes[f"sampling.{name}"] = lambda chat, name=name, value=value: _more(chat, **{name: value})  # type: ignore[misc]  # bound early
    return changes


SAMPLING: Mapping[str, Any] = MappingProxyType(
    {
        "max_tokens": 600,
        "temperature": 0.25,
        "top_p": 0.5,
        "top_k": 7,
        "stop": ("END",),
        "seed": 11,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "logit_bias": MappingProxyType({"50256": -100}),
        "logprobs": True,
        "n": 2,
    }
)


def answers() -> Mapping[str, ChatResponse]:
    """Answers of a dialect that nobody speaks, by name."""
    call = ToolCall("call_1", "weather", '{"city":"Turin"}')
    other = ToolCall("call_2", "clock", '{"city":"Milan"}')
    return {
        "text": _answer("stop", Text("Rain."), usage=Usage(10, 2)),
        "cut short": _answer("length", Text("Rai")),
        "filtered": _answer("content_filter", Text("I cannot say.")),
        "one tool": _answer("tool_calls", call, usage=Usage(10, 2, cache_read_tokens=4)),
        "text and tools": _answer("tool_calls", Text("Let me see."), call, other, usage=Usage(0, 0)),
        "thinking": _answer("stop", Thinking("Hm.", "c2lnbmVk", "elsewhere"), Text("Rain.")),
        "several texts": _answer("stop", Text("Rain "), Text("and snow.")),
        "nothing": _answer("stop"),
    }


def _answer(reason: FinishReason, *blocks: Block, usage: Usage | None = None) -> ChatResponse:
    choice = Choice(Message("assistant", blocks), reason)
    return ChatResponse("answer-1", "some-model", (choice,), usage, created=1_700_000_000, dialect="elsewhere")


def _first(chat: ChatRequest, message: Message) -> ChatRequest:
    return evolve(chat, messages=(message, *chat.messages))


def _say(chat: ChatRequest, block: Block) -> ChatRequest:
    """One more block in the last user message."""
    last = chat.messages[-1]
    return evolve(chat, messages=(*chat.messages[:-1], evolve(last, content=(block, *last.content))))


def _said(chat: ChatRequest, *blocks: Block) -> ChatRequest:
    """An assistant's turn and another question behind it."""
    more = (Message("assistant", blocks), Message("user", (Text("Go on."),)))
    return evolve(chat, messages=(*chat.messages, *more))


def _swap(chat: ChatRequest, index: int, *blocks: Block) -> ChatRequest:
    """Other content for one message."""
    messages = list(chat.messages)
    messages[index] = evolve(messages[index], content=blocks)
    return evolve(chat, messages=tuple(messages))


def _more(chat: ChatRequest, **values: Any) -> ChatRequest:
    return evolve(chat, sampling=evolve(chat.sampling, **values))
