"""Errors, both ways. Kinds come from the status and ``error.type``, never from prose; the one exception is documented below."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import UpstreamRejected
from llmgate_core.wirevalues import ProviderError

OVERFLOW: Final = "context_length_exceeded"
# The API has no code for a prompt that is too long, only these two texts; a message that starts with one is the API's own.
_OVERFLOW_TEXTS: Final = ("prompt is too long", "input length and `max_tokens` exceed context limit")

_KINDS: Final[Mapping[str, tuple[ErrorKind, int]]] = MappingProxyType(
    {
        "invalid_request_error": ("invalid_request", 400),
        "authentication_error": ("authentication", 401),
        "billing_error": ("quota", 402),
        "permission_error": ("permission", 403),
        "not_found_error": ("not_found", 404),
        "conflict_error": ("conflict", 409),
        "request_too_large": ("too_large", 413),
        "rate_limit_error": ("rate_limit", 429),
        "api_error": ("upstream", 500),
        "timeout_error": ("timeout", 504),
        "overloaded_error": ("overloaded", 529),
    }
)
_TYPES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {**{kind: word for word, (kind, _) in _KINDS.items()}, "internal": "api_error", "upstream": "api_error"}
)


def read_error(status: int, body: bytes) -> ProviderError:
    """A provider's error answer → canonical words. A body of another shape gives a generic text."""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = None
    return _read(data, f"the provider answered with status {status}")


def stream_error(data: Mapping[str, Any]) -> UpstreamRejected:
    """The provider's error inside a stream, with the status it would have had before it."""
    error = _read(data, "the provider reported an error inside the stream")
    native = data.get("error")
    word = _word(native)
    status = _KINDS[word][1] if word in _KINDS else _status_in(native)
    return reject(status, error, provider="upstream")


def _status_in(native: Any) -> int:
    """Compatible servers put a status into the error: ``{"error": {"message": …, "code": 429}}``."""
    code = native.get("code") if isinstance(native, Mapping) else None
    return code if isinstance(code, int) and 400 <= code <= 599 else 500


def _read(data: Any, generic: str) -> ProviderError:
    error = data.get("error") if isinstance(data, Mapping) else None
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, Mapping):
        return ProviderError(generic)
    message, word = error.get("message"), _word(error)
    kind = _KINDS[word][0] if word in _KINDS else None
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    code = code if isinstance(code, str) else word or None
    if not isinstance(message, str) or not message:
        return ProviderError(generic, kind, code)
    if word == "invalid_request_error" and message.startswith(_OVERFLOW_TEXTS):
        code = OVERFLOW
    return ProviderError(message, kind, code, verbatim=data.get("type") == "error" and word != "")


def _word(error: Any) -> str:
    """``error.type``, empty when there is none."""
    word = error.get("type") if isinstance(error, Mapping) else None
    return word if isinstance(word, str) else ""


def write_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error answer. ``details.error_code`` is what programs test for."""
    message, word = error.message, _TYPES[error.kind]
    if error.code == OVERFLOW:
        word = "invalid_request_error"
        if not message.startswith(_OVERFLOW_TEXTS[0]):
            message = f"{_OVERFLOW_TEXTS[0]}: {message}"
    native: dict[str, Any] = {"type": word, "message": message}
    if error.code is not None:
        native["details"] = {"error_code": error.code}
    return msgspec.json.encode({"type": "error", "error": native, "request_id": request_id})


def write_stream_error(error: GatewayError, request_id: str) -> bytes:
    """The terminal event of a stream that failed."""
    return b"event: error\ndata: " + write_error(error, request_id) + b"\n\n"
