"""What the gateway must know of a whole answer that is relayed untouched: one typed pass, and no objects of the rest."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from llmgate_core.upstream_errors import UpstreamBadResponse
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import Summary

from .errors import stream_error
from .finishes import read_reason, reason_of
from .usage import read_usage

_MOST: Final = 10**12
_Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]


class _ByLifetime(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: _Count | None = None
    ephemeral_1h_input_tokens: _Count | None = None


class _Details(msgspec.Struct, gc=False):
    thinking_tokens: _Count | None = None


class _Usage(msgspec.Struct, gc=False):
    """``usage`` as the API sends it. ``iterations`` change what the sums are: an answer with them is read loosely."""

    input_tokens: _Count
    output_tokens: _Count
    cache_read_input_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_creation: _ByLifetime | None = None
    output_tokens_details: _Details | None = None
    iterations: None = None


class _Answer(msgspec.Struct, gc=False):
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


def summarise(body: bytes) -> Summary:
    """Usage, finish reason and model. Raises :class:`UpstreamBadResponse`, or the error that the body is.

    Done for every answer, hence in one piece: counts that can be believed are taken as they are.
    """
    try:
        answer = _typed(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _loosely(body)
    usage = answer.usage
    read, write = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    total = usage.input_tokens + (read or 0) + (write or 0)
    if total > _MOST:
        return _loosely(body)
    short = long = thinking = None
    if (split := usage.cache_creation) is not None:
        short, long = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens
    if (details := usage.output_tokens_details) is not None:
        thinking = details.thinking_tokens
    counts = Usage(total, usage.output_tokens, read, write, short, long, thinking)
    return Summary(counts, reason_of(answer.stop_reason, "stop"), answer.model)


def _loosely(body: bytes) -> Summary:
    try:
        answer = _loose(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamBadResponse(f"the provider's answer cannot be read: {error}") from None
    if answer.type == "error":
        raise stream_error({"type": "error", "error": answer.error})
    reason = None if answer.stop_reason is None else read_reason(answer.stop_reason)
    return Summary(read_usage(answer.usage), reason, answer.model if isinstance(answer.model, str) else None)
