"""Tools on offer and tool calls, both ways."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from llmgate_core.messages import Tool, ToolCall

from .carry import Carry
from .fields import Fields
from .schema import tool_parameters
from .words import NAME


def read_tool(fields: Fields, whole: Any) -> Tool:
    """One entry of ``tools``; ``whole`` is the same as it came. A tool that is not a function is carried whole."""
    kind = fields.string("type") or "function"
    if kind == "custom":
        custom = fields.inner("custom")
        return Tool(custom.needed("name"), custom.string("description"), kind=kind, extra=whole)
    if kind != "function":
        return Tool(fields.string("name") or kind, kind=kind, extra=whole)
    cache = fields.mapping("cache_control")
    function = fields.inner("function")
    tool = read_function(function)
    return Tool(
        tool.name,
        tool.description,
        tool.parameters,
        tool.strict,
        cache_control=cache,
        extra=fields.rest(function=function),
    )


def read_function(function: Fields) -> Tool:
    """A function's definition: what a tool wraps, and an entry of the older field ``functions``."""
    return Tool(
        function.needed("name"),
        function.string("description"),
        function.mapping("parameters"),
        function.boolean("strict"),
    )


def write_tool(tool: Tool, path: str, carry: Carry) -> dict[str, Any] | None:
    """A tool as the provider may see it; None (and a loss) for another provider's own kind of tool."""
    if tool.kind != "function" and carry.own:
        return dict(tool.extra)
    if tool.kind != "function" and not (tool.kind == "custom" and tool.parameters is not None):
        # tools of other providers run on their servers (search, code …): nobody would run them here
        carry.losses.add(path, f"{NAME} has no tool of type {tool.kind!r}")
        return None
    function: dict[str, Any] = {"name": carry.tool_name(tool.name)}
    if tool.description is not None:
        function["description"] = tool.description
    if carry.own:
        if tool.parameters is not None:
            function["parameters"] = tool.parameters
    else:
        function["parameters"] = tool_parameters(tool.parameters, path, carry.losses)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return carry.complete({"type": "function", "function": function}, path, tool.extra, tool.cache_control)


def read_call(call: Fields, seed: str | None) -> ToolCall:
    """One entry of ``tool_calls``. Servers leave out the id (one is made from ``seed``) or write arguments as an object.

    ``seed`` None: a client wrote it, from whom both are mistakes.
    """
    call.take("index")  # a stream's numbering, sent back by clients that keep what they collected
    kind = call.string("type") or "function"
    call_id = call.needed("id") if seed is None else call.string("id") or made_up_id(seed)
    if kind == "custom":
        custom = call.inner("custom")
        name, text = custom.needed("name"), custom.string("input") or ""
        return ToolCall(call_id, name, text, "custom", extra=call.rest(custom=custom))
    if kind != "function":
        raise call.wrong("type", "must be 'function' or 'custom'")
    function = call.inner("function")
    name, arguments = function.needed("name"), function.take("arguments")
    if type(arguments) is dict and seed is not None:
        arguments = msgspec.json.encode(arguments).decode()
    if arguments is not None and type(arguments) is not str:
        raise function.wrong("arguments", "must be a string of JSON")
    cache = call.mapping("cache_control")
    return ToolCall(call_id, name, arguments or "", cache_control=cache, extra=call.rest(function=function))


def made_up_id(seed: str) -> str:
    """An id for a tool call that came without one: the same answer gives the same id, another answer another one."""
    return f"call_{hashlib.sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def write_call(call: ToolCall, call_id: str, name: str, *, own: bool) -> dict[str, Any]:
    """One entry of ``tool_calls``. Arguments must be JSON here, so that none at all are an empty object."""
    if call.kind == "custom":
        return {"id": call_id, "type": "custom", "custom": {"name": name, "input": call.arguments}}
    arguments = call.arguments if own else call.arguments.strip() or "{}"
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
