"""Which tool the model must, may or must not call, both ways; with the older ``function_call``."""

from __future__ import annotations

from typing import Any

from llmgate_core.decisions import EMPTY
from llmgate_core.messages import ToolChoice

from .carry import Carry
from .fields import Fields, shown


def read_tool_choice(body: Fields) -> ToolChoice | None:
    """``tool_choice`` in every form, else ``function_call``, else None."""
    name = "tool_choice" if body.has("tool_choice") else "function_call"
    value = body.take(name)
    if value is None:
        return None
    match value:
        case "auto" | "none" | "required":
            return ToolChoice(value)
        case "any":  # what some compatible servers call it
            return ToolChoice("required")
        case dict():
            choice = body.child(name, value)
        case _:
            raise body.wrong(name, f"must be 'auto', 'none', 'required' or an object, not {shown(value)}")
    if name == "function_call":
        return ToolChoice("tool", choice.needed("name"))
    return _read_object(choice)


def _read_object(choice: Fields) -> ToolChoice:
    kind = choice.needed("type")
    if kind in ("function", "custom"):
        inner = choice.inner(kind)
        called = inner.needed("name")
        extra = choice.rest(**{kind: inner})
        return ToolChoice("tool", called, extra={**extra, "type": "custom"} if kind == "custom" else extra)
    if kind != "allowed_tools":
        raise choice.wrong("type", f"must be 'function', 'custom' or 'allowed_tools', not {shown(kind)}")
    if choice.has("custom"):  # where the names of custom tools are kept
        raise choice.wrong("custom", "does not belong to a choice of type 'allowed_tools'")
    allowed = choice.inner("allowed_tools")
    mode = allowed.needed("mode")
    if mode not in ("auto", "required"):
        raise allowed.wrong("mode", "must be 'auto' or 'required'")
    names: list[str] = []
    custom: list[str] = []
    for tool in allowed.objects("tools"):
        of = tool.needed("type")
        if of not in ("function", "custom"):
            raise tool.wrong("type", "must be 'function' or 'custom'")
        names.append(tool.inner(of).needed("name"))
        if of == "custom":
            custom.append(names[-1])
    extra = choice.rest(allowed_tools=allowed)
    return ToolChoice(
        "allowed",
        names=tuple(names),
        required=mode == "required",
        extra={**extra, "custom": custom} if custom else extra,
    )


def write_tool_choice(choice: ToolChoice, carry: Carry) -> Any:
    """The value of ``tool_choice``."""
    extra = dict(choice.extra) if carry.own else {}
    if not carry.own and choice.extra:
        carry.complete({}, "tool_choice", choice.extra)
    if choice.mode == "tool":
        kind = extra.pop("type", "function")
        return carry.complete({"type": kind, kind: {"name": carry.tool_name(choice.name or "")}}, "tool_choice", extra)
    if choice.mode != "allowed":
        return choice.mode
    custom = extra.pop("custom", ())
    tools = []
    for name in choice.names:
        kind = "custom" if name in custom else "function"
        tools.append({"type": kind, kind: {"name": carry.tool_name(name)}})
    allowed = {"mode": "required" if choice.required else "auto", "tools": tools}
    return carry.complete({"type": "allowed_tools", "allowed_tools": allowed}, "tool_choice", extra or EMPTY)
