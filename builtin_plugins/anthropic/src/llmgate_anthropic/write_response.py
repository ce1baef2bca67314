"""Canonical → what a client of this dialect gets: a whole answer, lists of models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from llmgate_core.messages import (
    Block,
    ChatResponse,
    Choice,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.renames import Renames
from llmgate_core.wirevalues import ModelInfo

from .checks import NAME
from .finishes import write_reason
from .signatures import outward
from .usage import write_usage
from .write_blocks import tool_input

_encode: Final = msgspec.json.Encoder().encode


def write_response(response: ChatResponse) -> bytes:
    """The first choice (the format has only one). What it has no word for (sound, pictures) is left out."""
    own = response.dialect == NAME
    choice = response.choices[0] if response.choices else Choice(Message("assistant"), "stop")
    content: list[dict[str, Any]] = []
    called = refused = False
    for block in choice.message.content:
        if type(block) is Text and not own:  # most blocks are; whose text is empty is left out
            if block.text:
                content.append({"type": "text", "text": block.text})
            continue
        called = called or isinstance(block, ToolCall)
        refused = refused or isinstance(block, Refusal)
        data = answer_block(block, own=own)
        if data is not None:
            content.append(data)
    sequence = choice.stop_sequence
    body: dict[str, Any] = {
        "id": response.id,
        "type": "message",
        "role": "assistant",
        "model": response.model,
        "content": content,
        "stop_reason": write_reason(
            choice.finish_reason, choice.native_finish, sequence, called=called, refused=refused
        ),
        "stop_sequence": sequence,
        "usage": write_usage(response.usage, own=own),
    }
    if own:
        body.update({**choice.extra, **response.extra})
    return _encode(body)


def answer_block(block: Block, *, own: bool) -> dict[str, Any] | None:
    """One block of an answer; None for one that is empty or that the format cannot hold.

    A tool call's id gets only characters that this API accepts when the client sends it back.
    """
    native: dict[str, Any]
    if isinstance(block, Opaque):
        return dict(block.data) if block.dialect == NAME else None
    if isinstance(block, (Text, Refusal)):
        if not block.text:
            return None
        native = {"type": "text", "text": block.text}
    elif isinstance(block, ToolCall):
        native = {"type": "tool_use", "id": safe_id(block.id), "name": block.name, "input": tool_input(block)}
    elif isinstance(block, Thinking):
        native = {"type": "thinking", "thinking": block.text, "signature": outward(block)}
    elif isinstance(block, RedactedThinking):
        native = {"type": "redacted_thinking", "data": block.data}
    else:
        return None
    mark = getattr(block, "cache_control", None)
    if own and mark is not None:
        native["cache_control"] = dict(mark)
    return {**native, **block.extra} if own else native


def safe_id(call_id: str) -> str:
    """A tool call's id as this API accepts it back."""
    return Renames("A-Za-z0-9_-", 128).to_wire(call_id)


def write_models(models: Sequence[ModelInfo]) -> bytes:
    """All models on one page."""
    data = [_model(model) for model in models]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return msgspec.json.encode({"data": data, "has_more": False, **ends})


def write_model(model: ModelInfo) -> bytes:
    """One model."""
    return msgspec.json.encode(_model(model))


def _model(model: ModelInfo) -> dict[str, Any]:
    created = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = {"id": model.id, "display_name": model.id}
    return {"type": "model", **named, "created_at": created, "lifecycle": "active"}
