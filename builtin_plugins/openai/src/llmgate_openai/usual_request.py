"""The usual request: text, tool calls and their results, the common numbers. Typed structs read and check it in one pass.

They take no field that they do not name and no value of another type. Whatever does not fit is read again by
:mod:`.read_request`, which knows every shape, and can say what is wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.messages import (
    Block,
    ChatRequest,
    Message,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from llmgate_core.request import Request

from .limits import NamedLimit
from .words import NAME

_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Exact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Nothing but the fields it names."""


class _Part(_Exact):
    type: Literal["text"]
    text: str
    cache_control: dict[str, Any] | None = None


class _Called(_Exact):
    name: str
    arguments: str


class _Call(_Exact):
    id: str
    type: Literal["function"]
    function: _Called


class _Message(_Exact):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    refusal: None = None


class _Function(_Exact):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Tool(_Exact):
    type: Literal["function"]
    function: _Function
    cache_control: dict[str, Any] | None = None


class _Name(_Exact):
    name: str


class _Forced(_Exact):
    type: Literal["function"]
    function: _Name


class _StreamOptions(_Exact):
    include_usage: bool | None = None


class _Usual(_Exact):
    model: str
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    temperature: int | float | None = None
    top_p: int | float | None = None
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    presence_penalty: int | float | None = None
    frequency_penalty: int | float | None = None
    n: _Count | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | _Forced | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    service_tier: str | None = None
    metadata: dict[str, Any] | None = None


_decode: Final = msgspec.json.Decoder(_Usual).decode


def read_usual(request: Request) -> ChatRequest | None:
    """The canonical form; None for a request that is not of the usual shape (or not the bytes that came)."""
    if request.body is None:
        return None
    try:
        usual = _decode(request.body)
    except (msgspec.DecodeError, RecursionError):
        return None
    messages: list[Message] = []
    for turn in usual.messages:
        message = _message(turn)
        if message is None:
            return None
        messages.append(message)
    options, effort = usual.stream_options, usual.reasoning_effort
    return ChatRequest(
        request.model,
        tuple(messages),
        () if usual.tools is None else tuple([_tool(tool) for tool in usual.tools]),
        None if usual.tool_choice is None else _choice(usual.tool_choice),
        usual.parallel_tool_calls,
        None,
        _sampling(usual),
        None if effort is None else Reasoning("disabled" if effort == "none" else None, effort),
        usual.stream or False,
        options is not None and options.include_usage is True,
        usual.user,
        usual.service_tier,
        usual.metadata or EMPTY,
        NAME,
    )


def _message(turn: _Message) -> Message | None:
    """One message; None for one with fields that its role has not."""
    said = turn.content
    content: tuple[Block, ...]
    if isinstance(said, str):
        content = (Text(said),)
    elif said is None:
        content = ()
    else:
        content = tuple([Text(part.text, part.cache_control) for part in said])
    role, calls, call_id = turn.role, turn.tool_calls, turn.tool_call_id
    if role == "assistant":
        if calls:
            called = [ToolCall(call.id, call.function.name, call.function.arguments) for call in calls]
            content = (*content, *called)
        return None if call_id is not None else Message(role, content, turn.name)
    if calls is not None or (call_id is not None) != (role == "tool"):
        return None
    if call_id is not None:
        content = (ToolResult(call_id, content),)
    return Message(role, content, turn.name)


def _tool(tool: _Tool) -> Tool:
    offered = tool.function
    return Tool(offered.name, offered.description, offered.parameters, offered.strict, cache_control=tool.cache_control)


def _choice(given: Literal["auto", "none", "required"] | _Forced) -> ToolChoice:
    return ToolChoice(given) if isinstance(given, str) else ToolChoice("tool", given.function.name)


def _sampling(usual: _Usual) -> Sampling:
    stop = usual.stop
    newer = usual.max_completion_tokens
    kind, limit = (Sampling, usual.max_tokens) if newer is None else (NamedLimit, newer)
    return kind(
        limit,
        usual.temperature,
        usual.top_p,
        None,
        () if stop is None else (stop,) if isinstance(stop, str) else stop,
        usual.seed,
        usual.presence_penalty,
        usual.frequency_penalty,
        n=usual.n,
    )
