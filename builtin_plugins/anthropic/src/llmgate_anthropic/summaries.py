"""What the gateway must know of a whole answer that is relayed untouched: one typed pass, and no objects of the rest."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.upstream_errors import UpstreamBadResponse
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import Summary

from .errors import stream_error
from .finishes import read_reason
from .usage import read_usage


class _ByLifetime(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    """``usage`` as the API sends it. ``iterations`` change what the sums are: an answer with them is read loosely."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _ByLifetime | None = None
    output_tokens_details: _Details | None = None
    iterations: None = None


class _Answer(msgspec.Struct):
    usage: _Usage
    model: str
    stop_reason: str


class _LooseAnswer(msgspec.Struct):
    """Whatever stands in these fields."""

    type: Any = None
    model: Any = None
    stop_reason: Any = None
    usage: Any = None
    error: Any = None


_typed: Final = msgspec.json.Decoder(_Answer).decode
_loose: Final = msgspec.json.Decoder(_LooseAnswer).decode
_MOST: Final = 10**12


def summarise(body: bytes) -> Summary:
    """Usage, finish reason and model. Raises :class:`UpstreamBadResponse`, or the error that the body is."""
    try:
        answer = _typed(body)
        usage = _counted(answer.usage)
    except (msgspec.DecodeError, RecursionError):
        return _loosely(body)
    if usage is None:
        return _loosely(body)
    return Summary(usage, read_reason(answer.stop_reason), answer.model)


def _counted(usage: _Usage) -> Usage | None:
    """The counts; None when one of them cannot be believed."""
    read, write = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    split, details = usage.cache_creation or _ByLifetime(), usage.output_tokens_details or _Details()
    counts = (read, write, split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens, details.thinking_tokens)
    total = usage.input_tokens + (read or 0) + (write or 0)
    if min(usage.input_tokens, usage.output_tokens) < 0 or max(total, usage.output_tokens) > _MOST:
        return None
    if any(count is not None and not 0 <= count <= _MOST for count in counts):
        return None
    return Usage(total, usage.output_tokens, *counts)


def _loosely(body: bytes) -> Summary:
    try:
        answer = _loose(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamBadResponse(f"the provider's answer cannot be read: {error}") from None
    if answer.type == "error":
        raise stream_error({"type": "error", "error": answer.error})
    reason = None if answer.stop_reason is None else read_reason(answer.stop_reason)
    return Summary(read_usage(answer.usage), reason, answer.model if isinstance(answer.model, str) else None)
