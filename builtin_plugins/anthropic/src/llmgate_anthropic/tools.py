"""Tools on offer, and which of them may or must be called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatRequest, Tool, ToolCall, ToolChoice
from llmgate_core.renames import Renames

from .checks import NAME
from .models import Capabilities
from .schemas import constrained, input_schema
from .turns import Turn


def write_own_tool(tool: Tool) -> dict[str, Any]:
    """A tool of a request of this dialect, with every field it came with."""
    if tool.kind != "function":
        return dict(tool.extra)
    native: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        native["description"] = tool.description
    native["input_schema"] = dict(tool.parameters or {})
    if tool.strict is not None:
        native["strict"] = tool.strict
    if tool.cache_control is not None:
        native["cache_control"] = dict(tool.cache_control)
    return {**native, **tool.extra}


def write_tools(chat: ChatRequest, able: Capabilities, names: Renames, losses: Losses) -> list[dict[str, Any]]:
    """Another dialect's tools; with an ``allowed`` choice only those that are allowed."""
    written = []
    for at, tool in enumerate(chat.tools):
        path = f"tools[{at}]"
        if tool.kind != "function":
            losses.add(path, f"a tool of type {tool.kind!r} has no counterpart in {NAME}")
        elif _is_offered(tool, chat.tool_choice):
            written.append(_tool(tool, path, able, names, losses))
    return written


def _is_offered(tool: Tool, choice: ToolChoice | None) -> bool:
    return choice is None or choice.mode != "allowed" or tool.name in choice.names


def _tool(tool: Tool, path: str, able: Capabilities, names: Renames, losses: Losses) -> dict[str, Any]:
    native: dict[str, Any] = {"name": names.to_wire(tool.name)}
    if tool.description:
        native["description"] = tool.description
    native["input_schema"] = input_schema(tool.parameters)
    if tool.strict and able.structured:
        native["input_schema"] = constrained(native["input_schema"], f"{path}.parameters")
        native["strict"] = True
    elif tool.strict:
        losses.add(f"{path}.strict", "this model cannot be held to a schema")
    if tool.cache_control is not None:
        native["cache_control"] = dict(tool.cache_control)
    for name, value in tool.extra.items():
        if value:
            losses.add(f"{path}.{name}", f"has no counterpart in {NAME}")
    return native


def tools_of_history(turns: Iterable[Turn], names: Renames) -> list[dict[str, Any]]:
    """The tools that were called before, for a request that offers none: the API wants calls to have a definition."""
    called = {block.name: None for turn in turns for block in turn.blocks if isinstance(block, ToolCall)}
    return [{"name": names.to_wire(name), "input_schema": input_schema(None)} for name in called]


def own_choice(choice: ToolChoice | None, parallel: bool | None) -> dict[str, Any] | None:
    """The choice of a request of this dialect."""
    native = _choice(choice, None)
    if parallel is not None:
        native = {**(native or {"type": "auto"}), "disable_parallel_tool_use": not parallel}
    return None if native is None else {**native, **(choice.extra if choice else {})}


def write_choice(
    chat: ChatRequest,
    tools: Sequence[dict[str, Any]],
    able: Capabilities,
    names: Renames,
    *,
    thinks: bool,
    losses: Losses,
) -> dict[str, Any] | None:
    """Another dialect's choice. A forced tool that cannot be forced is a loss; when losses are dropped, it becomes ``auto``."""
    if not tools:
        if chat.tool_choice is not None and chat.tool_choice.mode in ("required", "tool"):
            losses.add("tool_choice", "there is no tool to call")
        return None
    native = _choice(chat.tool_choice, names)
    if native is not None and native["type"] in ("any", "tool"):
        if not able.forced_tools:
            losses.add("tool_choice", "this model cannot be made to call a tool")
            native = {"type": "auto"}
        elif thinks and not able.forced_with_thinking:
            losses.add("tool_choice", "this model cannot be made to call a tool while it thinks")
            native = {"type": "auto"}
    if chat.parallel_tool_calls is False:
        native = native or {"type": "auto"}
        if native["type"] != "none":
            native["disable_parallel_tool_use"] = True
    return native


def _choice(choice: ToolChoice | None, names: Renames | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    if choice.mode == "allowed":
        return {"type": "any" if choice.required else "auto"}
    if choice.mode == "tool":
        name = choice.name or ""
        return {"type": "tool", "name": names.to_wire(name) if names else name}
    return {"type": "any" if choice.mode == "required" else choice.mode}
