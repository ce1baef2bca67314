"""A provider's whole answer → canonical."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from attrs import evolve

from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import Block, ChatResponse, Choice, Message, Text, ToolCall
from llmgate_core.upstream_errors import UpstreamBadResponse

from .blocks import read_content
from .checks import NAME, a_list, a_string, required, rest
from .errors import stream_error
from .finishes import read_reason
from .usage import read_usage
from .usual_answer import read_usual
from .write_request import Memo

_decode: Final = msgspec.json.Decoder().decode
_READ: Final = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage")


def read_response(body: bytes, memo: Memo) -> ChatResponse:
    """Raises :class:`UpstreamBadResponse` for an answer of another shape, or the error that the body is."""
    try:
        usual = read_usual(_decode(body), memo)
        if usual is not None:
            return usual
        data = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(error) from None
    return read_any(data, memo)


def read_any(data: Any, memo: Memo) -> ChatResponse:
    """An answer of any shape, field by field."""
    if not isinstance(data, dict):
        raise _bad("not an object")
    if data.get("type") == "error":
        raise stream_error(data)
    try:
        return _read(data, memo)
    except InvalidRequest as error:
        raise _bad(error.message) from None
    except RecursionError:
        raise _bad("it is nested too deeply") from None


def _bad(reason: object) -> UpstreamBadResponse:
    return UpstreamBadResponse(f"the provider's answer cannot be read: {reason}")


def _read(data: Mapping[str, Any], memo: Memo) -> ChatResponse:
    content = read_content(required(data, "content", a_list), "content")
    blocks = tuple(restored(block, memo) for block in content)
    native = data.get("stop_reason")
    reason = read_reason(native)
    if reason == "tool_calls" and not any(isinstance(block, ToolCall) for block in blocks):
        reason = "stop"  # the only call was the one made for a structured answer
    sequence = data.get("stop_sequence")
    usage = read_usage(data.get("usage"))
    tier = usage.extra.get("service_tier") if usage else None
    choice = Choice(
        Message("assistant", blocks),
        reason,
        native_finish=native if isinstance(native, str) else None,
        stop_sequence=sequence if isinstance(sequence, str) else None,
        extra=rest({"stop_details": data.get("stop_details")}),
    )
    return ChatResponse(
        id=required(data, "id", a_string),
        model=required(data, "model", a_string),
        choices=(choice,),
        usage=usage,
        service_tier=tier if isinstance(tier, str) else None,
        dialect=NAME,
        extra=rest(data, *_READ),
    )


def restored(block: Block, memo: Memo) -> Block:
    """A tool call under the client's name; the call of the tool made for a structured answer is text again."""
    if not isinstance(block, ToolCall):
        return block
    if block.name == memo.answer_tool:
        return Text(block.arguments)
    return evolve(block, name=memo.names.to_client(block.name))
