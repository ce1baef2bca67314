"""Errors, both ways: ``{"error": {"message", "type", "param", "code"}}``.

What an error is, is told by the status and by the words of ``code`` and ``type``, never by its prose, which may quote a
prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import UpstreamRejected
from llmgate_core.wirevalues import ProviderError

from .words import NAME

_LONGEST: Final = 4000
_KINDS: Final[Mapping[int, ErrorKind]] = MappingProxyType(
    {
        400: "invalid_request",
        401: "authentication",
        403: "permission",
        404: "not_found",
        408: "timeout",
        409: "conflict",
        413: "too_large",
        422: "invalid_request",
        429: "rate_limit",
        500: "internal",
        503: "overloaded",
        504: "timeout",
    }
)
_TYPES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        "invalid_request": "invalid_request_error",
        "authentication": "authentication_error",
        "permission": "permission_error",
        "not_found": "not_found_error",
        "timeout": "timeout_error",
        "conflict": "conflict_error",
        "too_large": "invalid_request_error",
        "rate_limit": "rate_limit_error",
        "quota": "insufficient_quota",
        "internal": "server_error",
        "overloaded": "server_error",
        "upstream": "server_error",
    }
)
# What an error inside a 200 would have been before it, by its code or type.
_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "context_length_exceeded": 400,
        "content_filter": 400,
        "content_policy_violation": 400,
        "authentication_error": 401,
        "invalid_api_key": 401,
        "permission_error": 403,
        "not_found_error": 404,
        "model_not_found": 404,
        "insufficient_quota": 429,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "requests": 429,
        "tokens": 429,
        "overloaded": 503,
        "overloaded_error": 503,
        "service_unavailable": 503,
        "timeout": 504,
        "timeout_error": 504,
    }
)


def read_error(status: int, body: bytes) -> ProviderError:
    """A provider's error answer. A body of another shape (a CDN's page) gives a generic text."""
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        whole = None
    error = whole.get("error") if isinstance(whole, dict) else None
    if isinstance(error, dict) and type(error.get("message")) is str:
        return _described(status, error, verbatim=True)
    if isinstance(whole, dict):
        for value in (error, whole, {"message": whole.get("detail")}):
            found = {"message": value} if isinstance(value, str) else value
            if isinstance(found, dict) and type(found.get("message")) is str and found["message"]:
                return _described(status, found, verbatim=False)
    return ProviderError(f"the provider answered {status} without a readable error", _KINDS.get(status))


def _described(status: int, error: Mapping[str, Any], *, verbatim: bool) -> ProviderError:
    code, param = error.get("code"), error.get("param")
    return ProviderError(
        str(error.get("message") or "the provider reported an error")[:_LONGEST],
        _kind(status, error),
        code if type(code) is str and code and not code.isdigit() else None,
        param if type(param) is str else None,
        verbatim,
    )


def _kind(status: int, error: Mapping[str, Any]) -> ErrorKind | None:
    if "insufficient_quota" in (error.get("code"), error.get("type")):
        return "quota"
    if status >= 500 and inner_status(error) == 429:
        return "rate_limit"  # a gateway or proxy before the provider wrapped what it got
    return _KINDS.get(status)


def inner_status(error: Any) -> int:
    """The HTTP status an error object means by itself; 500 when it does not say."""
    if not isinstance(error, Mapping):
        return 500
    for name in ("code", "status", "status_code", "type"):
        value = error.get(name)
        if type(value) is str:
            if value in _STATUSES:
                return _STATUSES[value]
            if value.isascii() and value.isdigit() and len(value) == 3:
                value = int(value)
        if type(value) is int and 400 <= value <= 599:
            return value
    return 500


def rejection_within(error: Any) -> UpstreamRejected:
    """The error to raise for an error object inside a 200 answer or its stream."""
    status = inner_status(error)
    told = error if isinstance(error, Mapping) else {"message": error if isinstance(error, str) else None}
    return reject(status, _described(status, told, verbatim=False), provider=NAME)


def write_error(error: GatewayError) -> bytes:
    """The body of an error answer."""
    written = {"message": error.message, "type": _TYPES[error.kind], "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": written})
