"""The usual answer → canonical: text and tool calls, taken apart in one go.

Whatever is not of that shape, by a single field, is left to :mod:`.read_response`, which knows every shape.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.messages import Block, ChatResponse, Choice, Message, Text, ToolCall

from .checks import NAME
from .finishes import read_reason
from .usage import read_usage
from .write_request import Memo

_encode: Final = msgspec.json.Encoder().encode


def read_usual(data: Any, memo: Memo) -> ChatResponse | None:
    """The answer; None when it is not a usual one. Either way ``data`` is then in pieces."""
    if type(data) is not dict:
        return None
    take = data.pop
    answer_id, model, native = take("id", None), take("model", None), take("stop_reason", None)
    if not type(answer_id) is type(model) is type(native) is str or take("type", None) != "message":
        return None
    blocks = _blocks(take("content", None), memo)
    if blocks is None:
        return None
    reason = read_reason(native)
    if reason == "tool_calls" and not any(type(block) is ToolCall for block in blocks):
        reason = "stop"  # the only call was the one made for a structured answer
    take("role", None)
    details, sequence, usage = take("stop_details", None), take("stop_sequence", None), read_usage(take("usage", None))
    tier = usage.extra.get("service_tier") if usage else None
    choice = Choice(
        Message("assistant", tuple(blocks)),
        reason,
        0,
        native,
        sequence if type(sequence) is str else None,
        None,
        EMPTY if details is None else {"stop_details": details},
    )
    extra = {name: value for name, value in data.items() if value is not None} if data else EMPTY
    tier = tier if type(tier) is str else None
    return ChatResponse(answer_id, model, (choice,), usage, None, tier, NAME, extra or EMPTY)


def _blocks(content: Any, memo: Memo) -> list[Block] | None:
    if type(content) is not list:
        return None
    blocks: list[Block] = []
    for data in content:
        if type(data) is not dict:
            return None
        kind, text = data.get("type"), data.get("text")
        if kind == "text" and type(text) is str and (len(data) == 2 or (len(data) == 3 and _uncited(data))):
            blocks.append(Text(text))
        elif kind == "tool_use" and len(data) == 4 and (block := _call(data, memo)) is not None:
            blocks.append(block)
        else:
            return None
    return blocks


def _uncited(data: dict[str, Any]) -> bool:
    return "citations" in data and data["citations"] is None


def _call(data: dict[str, Any], memo: Memo) -> Block | None:
    """A tool call under the client's name; the call of the tool made for a structured answer is text again."""
    call_id, name, given = data.get("id"), data.get("name"), data.get("input")
    if type(call_id) is not str or type(name) is not str or type(given) is not dict:
        return None
    arguments = _encode(given).decode()
    return Text(arguments) if name == memo.answer_tool else ToolCall(call_id, memo.names.to_client(name), arguments)
