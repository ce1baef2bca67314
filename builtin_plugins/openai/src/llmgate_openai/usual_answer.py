"""The usual answer → canonical: one choice, of text and calls of functions. Taken apart in one go.

Whatever is not of that shape, by a single field, is left to :mod:`.read_response`, which knows every shape.
"""

from __future__ import annotations

from typing import Any, Final

from llmgate_core.decisions import EMPTY
from llmgate_core.messages import Block, ChatResponse, Choice, Extra, Message, Text, ToolCall
from llmgate_core.renames import Renames

from .usage import given, read_usage
from .words import NAME, canonical_finish

_UNUSUAL: Final = frozenset(
    {
        *("name", "audio", "images", "function_call", "cache_control"),
        *("reasoning", "reasoning_content", "thinking_blocks"),
    }
)


def read_usual(whole: Any, renames: Renames | None) -> ChatResponse | None:
    """The answer; None when it is not a usual one. Either way ``whole`` is then in pieces."""
    if type(whole) is not dict:
        return None
    take = whole.pop
    answer_id, model, choices = take("id", None), take("model", None), take("choices", None)
    created, tier = take("created", None), take("service_tier", None)
    known = type(answer_id) is str and type(model) is str and (tier is None or type(tier) is str)
    if not known or type(choices) is not list or len(choices) != 1 or take("error", None) is not None:
        return None
    choice = _choice(choices[0], renames)
    if choice is None:
        return None
    usage = read_usage(take("usage", None))
    created = int(created) if isinstance(created, (int, float)) else None
    return ChatResponse(answer_id, model, (choice,), usage, created, tier, NAME, _left(whole))


def _choice(choice: Any, renames: Renames | None) -> Choice | None:
    if type(choice) is not dict:
        return None
    take = choice.pop
    index, native, logprobs = take("index", None), take("finish_reason", None), take("logprobs", None)
    message, stop_sequence = take("message", None), take("stop_sequence", None)
    if type(message) is not dict or not (native is None or type(native) is str):
        return None
    blocks = _blocks(message, renames)
    if blocks is None:
        return None
    return Choice(
        Message("assistant", tuple(blocks), None, _left(message)),
        canonical_finish(native, called=len(blocks) > 0 and type(blocks[-1]) is ToolCall),
        index if type(index) is int else 0,
        native,
        stop_sequence if type(stop_sequence) is str else None,
        logprobs,
        _left(choice),
    )


def _blocks(message: dict[str, Any], renames: Renames | None) -> list[Block] | None:
    take = message.pop
    take("role", None)
    said, refused, calls = take("content", None), take("refusal", None), take("tool_calls", None)
    if not _UNUSUAL.isdisjoint(message) and any(message.get(name) is not None for name in _UNUSUAL):
        return None
    blocks: list[Block] = []
    if type(said) is str:
        blocks.append(Text(said))
    elif said is not None:
        return None
    if refused is not None or not (calls is None or type(calls) is list):
        return None
    for entry in calls or ():
        call = _call(entry, renames)
        if call is None:
            return None
        blocks.append(call)
    return blocks


def _call(call: Any, renames: Renames | None) -> ToolCall | None:
    if type(call) is not dict or len(call) != 3 or call.get("type") != "function":
        return None
    call_id, function = call.get("id"), call.get("function")
    if type(call_id) is not str or not call_id or type(function) is not dict or len(function) != 2:
        return None
    name, arguments = function.get("name"), function.get("arguments")
    if type(name) is not str or type(arguments) is not str:
        return None
    return ToolCall(call_id, name if renames is None else renames.to_client(name), arguments)


def _left(fields: dict[str, Any]) -> Extra:
    """What nobody took."""
    if not fields:
        return EMPTY
    return given(fields) or EMPTY
