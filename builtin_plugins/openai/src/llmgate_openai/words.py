"""The words of the wire format ``openai.chat``, and what they mean to the core."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from llmgate_core.messages import FinishReason

NAME: Final = "openai.chat"
COMPLETION: Final = "chat.completion"
CHUNK: Final = "chat.completion.chunk"

_REASONS: Final[Mapping[str, FinishReason]] = MappingProxyType(
    {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "function_call": "tool_calls",
        "content_filter": "content_filter",
        # compatible servers
        "model_length": "length",
        "insufficient_system_resource": "error",
        "error": "error",
    }
)
_NATIVE: Final[Mapping[FinishReason, str]] = MappingProxyType(
    {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
        "error": "stop",  # the format has no word for it; ``native_finish_reason`` tells
    }
)
reason_of: Final = {**_REASONS}.get  # the same words, for who looks them up in every answer: one call, and no proxy
_COUNTS_REASONING: Final = re.compile(r"(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d))")


def canonical_finish(native: str | None, *, called: bool) -> FinishReason:
    """A provider's word → ours. ``called``: the choice holds tool calls, whatever a careless server calls its end."""
    reason = _REASONS.get(native or "", "stop")
    return "tool_calls" if called and reason == "stop" else reason


def native_finish(reason: FinishReason, native: str | None, *, called: bool) -> str:
    """Our word → the wire's. ``native`` is what stood on this same wire before, kept as long as it still says the same."""
    if native and canonical_finish(native, called=called) == reason:
        return native
    return "tool_calls" if called and reason == "stop" else _NATIVE[reason]


def max_tokens_field(model: str) -> str:
    """Which of its two names a request's output limit goes by, when the client's own dialect did not say.

    The vendor's reasoning models (o-series, gpt-5 and later) refuse ``max_tokens``; compatible servers often know nothing
    else. So the new name goes to models of those names, the old one to all others.
    """
    return "max_completion_tokens" if _COUNTS_REASONING.match(model) else "max_tokens"


def is_native(extra: Mapping[str, Any]) -> bool:
    """Whether a streamed answer's start came from this format: its ``object`` field is then among the extras."""
    return str(extra.get("object", "")).startswith(COMPLETION)
