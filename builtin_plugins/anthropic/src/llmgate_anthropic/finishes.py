"""Why an answer ended: the wire's ``stop_reason`` and ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from llmgate_core.messages import FinishReason

# pause_turn: a long turn of server tools was cut; the client may send it back to go on. compaction: a summary, complete.
_REASONS: Final[Mapping[str, FinishReason]] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "compaction": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "pause_turn": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
    }
)
reason_of: Final = {**_REASONS}.get  # the same words, for who looks them up in every answer: one call, and no proxy
_WORDS: Final[Mapping[FinishReason, str]] = MappingProxyType(
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "content_filter": "refusal",
        "error": "end_turn",
    }
)


def read_reason(word: object) -> FinishReason:
    """The wire's word → ours; one that is not known (yet) is a plain end, and kept as ``native_finish``."""
    return _REASONS.get(word, "stop") if isinstance(word, str) else "stop"


def write_reason(
    reason: FinishReason, native: str | None, stop_sequence: str | None, *, called: bool, refused: bool
) -> str:
    """Ours → the wire's word. A native word of this API stays; an answer with tool calls ends in ``tool_use``."""
    if native is not None and reason_of(native) == reason:
        return native
    if reason == "stop" and called:
        return "tool_use"
    if reason == "stop" and refused:
        return "refusal"
    if reason == "stop" and stop_sequence is not None:
        return "stop_sequence"
    return _WORDS[reason]
