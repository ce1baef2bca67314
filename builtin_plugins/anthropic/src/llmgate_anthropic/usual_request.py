"""The usual request: text, tool calls and their results, the common numbers. Typed structs read and check it in one pass.

They take no field that they do not name and no value of another type. Whatever does not fit is read again by
:mod:`.read_request`, which knows every shape, and can say what is wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from llmgate_core.messages import Block, Message, Sampling, Text, Tool, ToolCall, ToolChoice, ToolResult
from llmgate_core.request import Request

from .checks import NAME
from .own_request import MessagesRequest, own_headers

_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Exact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Nothing but the fields it names."""


class _Words(_Exact):
    """Text where only text is usual: by itself, a tagged struct would not insist on its tag."""

    type: Literal["text"]
    text: str
    cache_control: dict[str, Any] | None = None
    citations: None = None


class _Text(_Exact, tag_field="type", tag="text"):
    text: str
    cache_control: dict[str, Any] | None = None
    citations: None = None


class _Call(_Exact, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]
    cache_control: dict[str, Any] | None = None


class _Result(_Exact, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[_Words] | None = None
    is_error: bool | None = None
    cache_control: dict[str, Any] | None = None


class _Turn(_Exact):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Text | _Call | _Result]


class _Tool(_Exact):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None
    type: Literal["custom"] | None = None
    cache_control: dict[str, Any] | None = None


class _Choice(_Exact):
    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Metadata(_Exact):
    user_id: str | None = None


class _Usual(_Exact):
    model: str
    messages: Annotated[list[_Turn], msgspec.Meta(min_length=1)]
    max_tokens: _Count
    system: str | list[_Words] | None = None
    temperature: int | float | None = None
    top_p: int | float | None = None
    top_k: _Count | None = None
    stop_sequences: tuple[str, ...] | None = None
    stream: bool | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    metadata: _Metadata | None = None
    service_tier: str | None = None


_decode: Final = msgspec.json.Decoder(_Usual).decode
_encode: Final = msgspec.json.Encoder().encode


def read_usual(request: Request) -> MessagesRequest | None:
    """The canonical form; None for a request that is not of the usual shape (or not the bytes that came)."""
    if request.body is None:
        return None
    try:
        usual = _decode(request.body)
    except (msgspec.DecodeError, RecursionError):
        return None
    choice, given = None, usual.tool_choice
    if given is not None:
        if given.type == "tool" and given.name is None:
            return None
        choice = _choice(given)
    messages = [Message("system", _words(usual.system))] if usual.system else []
    for turn in usual.messages:
        said = turn.content
        messages.append(Message(turn.role, (Text(said),) if isinstance(said, str) else _blocks(said)))
    parallel = None if given is None or given.disable_parallel_tool_use is None else not given.disable_parallel_tool_use
    return MessagesRequest(
        request.model,
        tuple(messages),
        () if usual.tools is None else tuple([_tool(tool) for tool in usual.tools]),
        choice,
        parallel,
        sampling=Sampling(usual.max_tokens, usual.temperature, usual.top_p, usual.top_k, usual.stop_sequences or ()),
        stream=request.stream,
        include_usage=True,
        user=None if usual.metadata is None else usual.metadata.user_id,
        service_tier=usual.service_tier,
        dialect=NAME,
        client_headers=own_headers(request.headers),
    )


def _words(said: str | list[_Words]) -> tuple[Block, ...]:
    if isinstance(said, str):
        return (Text(said),)
    return tuple([Text(block.text, block.cache_control) for block in said])


def _blocks(said: list[_Text | _Call | _Result]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for block in said:
        cache = block.cache_control
        if type(block) is _Text:
            blocks.append(Text(block.text, cache))
        elif type(block) is _Call:
            blocks.append(ToolCall(block.id, block.name, _encode(block.input).decode(), cache_control=cache))
        elif type(block) is _Result:
            content = () if block.content is None else _words(block.content)
            blocks.append(ToolResult(block.tool_use_id, content, block.is_error, cache))
    return tuple(blocks)


def _tool(tool: _Tool) -> Tool:
    return Tool(tool.name, tool.description, tool.input_schema, tool.strict, cache_control=tool.cache_control)


def _choice(given: _Choice) -> ToolChoice:
    if given.type == "tool":
        return ToolChoice("tool", given.name)
    return ToolChoice("required" if given.type == "any" else given.type)
