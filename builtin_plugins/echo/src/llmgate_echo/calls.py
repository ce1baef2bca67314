"""Which tools the echo calls: those the prompt names, or what the tool choice demands."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

from llmgate_core import ProviderError
from llmgate_core.messages import ChatRequest, Tool, ToolCall, ToolChoice
from llmgate_core.rejections import reject

from .instances import instance

_ALL: Final = re.compile(r"\b(?:call|use|invoke|run)\s+(?:both|all|every|each)\b", re.IGNORECASE)
_ONE: Final = re.compile(
    r"\b(?:call|use|invoke|run)\s+(?:(?:a|an|the|your|any|one)\s+)?(?:tool|function)s?\b", re.IGNORECASE
)
_OWN_KINDS: Final = frozenset({"function", "custom"})


def calls_for(chat: ChatRequest, text: str, provider: str) -> tuple[ToolCall, ...]:
    """The calls, in the order the tools were offered; none when nothing asks for one."""
    choice = chat.tool_choice or ToolChoice("auto")
    offered = [tool for tool in chat.tools if tool.kind in _OWN_KINDS]
    if choice.mode == "none":
        return ()
    if choice.mode == "tool":
        chosen = [tool for tool in offered if tool.name == choice.name][:1]
        if not chosen:
            raise _not_offered(choice.name, provider)
    else:
        if choice.mode == "allowed":
            offered = [tool for tool in offered if tool.name in choice.names]
        chosen = _asked_for(offered, text)
        if not chosen and (choice.mode == "required" or choice.required):
            chosen = offered[:1]
    if chat.parallel_tool_calls is False:
        chosen = chosen[:1]
    return tuple(_call(tool, text, f"{len(chat.messages)}.{number}") for number, tool in enumerate(chosen))


def _asked_for(offered: list[Tool], text: str) -> list[Tool]:
    named = [tool for tool in offered if _mention(tool.name, text)]
    if named:
        return named
    if _ALL.search(text):
        return offered
    return offered[:1] if _ONE.search(text) else []


def _mention(name: str, text: str) -> re.Match[str] | None:
    """Where a text names a tool: as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE)


def _call(tool: Tool, text: str, place: str) -> ToolCall:
    """``place`` makes the id differ from those of earlier turns and of sisters in this one."""
    call_id = f"call_{hashlib.sha256(f'{place}.{tool.name}'.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
    if tool.kind == "custom":
        return ToolCall(call_id, tool.name, text, "custom")
    arguments = _written_arguments(tool.name, text)
    if arguments is None:
        filled = instance(tool.parameters) if tool.parameters else {}
        arguments = filled if isinstance(filled, dict) else {}
    return ToolCall(call_id, tool.name, json.dumps(arguments, ensure_ascii=False))


def _written_arguments(name: str, text: str) -> dict[str, object] | None:
    """The JSON object that a prompt writes behind a tool's name: ``call get_weather {"city": "Oslo"}``."""
    mention = _mention(name, text)
    rest = text[mention.end() :].lstrip(" :(=\n") if mention else ""
    if not rest.startswith("{"):
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(rest)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _not_offered(name: str | None, provider: str) -> Exception:
    told = f"tool_choice names {(name or '')[:100]!r}, which is not among the tools; offer it, or choose another"
    return reject(400, ProviderError(told, "invalid_request", "invalid_value", "tool_choice"), provider=provider)
