"""Every error the gateway answers with, as one tree.

    GatewayError
    ├── InvalidRequest            400   the request cannot be understood or carried
    │   └── UnsupportedField      400   a field has no counterpart at the chosen provider
    ├── AuthenticationFailed      401
    ├── PermissionDenied          403
    ├── NotFound                  404
    ├── MethodNotAllowed          405
    ├── RequestTimeout            408   the client's body came too slowly
    ├── Conflict                  409
    ├── RequestTooLarge           413
    ├── UnsupportedMedia          415
    ├── RateLimited               429
    ├── QuotaExceeded             429
    ├── InternalError             500
    │   └── PluginError           500   a plugin raised or returned a wrong type
    ├── Unavailable               503   nothing can serve this now (all keys rest, draining …)
    ├── DeadlineExceeded          504   the one deadline over all attempts
    └── UpstreamError             502   see ``upstream_errors``

A class knows its ``status``, its ``kind`` (the canonical word a dialect maps to its own error type) and its
``code`` (what programs test for). A message says what, where and what to do, and never holds a key or a prompt.
"""

from __future__ import annotations

from typing import ClassVar, Literal

ErrorKind = Literal[
    "invalid_request",
    "authentication",
    "permission",
    "not_found",
    "timeout",
    "conflict",
    "too_large",
    "rate_limit",
    "quota",
    "internal",
    "overloaded",
    "upstream",
]


class GatewayError(Exception):
    """An error with everything needed to answer it in any dialect.

    ``retry_after`` is in seconds; ``should_retry`` False tells official SDKs not to try again by themselves
    (``x-should-retry``), None leaves it to them.
    """

    status: int = 500
    kind: ErrorKind = "internal"
    code: str | None = None
    default_retry: ClassVar[bool | None] = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int | None = None,
        kind: ErrorKind | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after
        self.should_retry = self.default_retry if should_retry is None else should_retry
        self.headers = headers or {}
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        if kind is not None:
            self.kind = kind


class InvalidRequest(GatewayError):
    """The request itself is wrong; trying again will not help."""

    status = 400
    kind = "invalid_request"
    code = "invalid_request"


class UnsupportedField(InvalidRequest):
    """A field that the chosen provider's wire format cannot carry; ``param`` names it."""

    code = "unsupported_parameter"


class AuthenticationFailed(GatewayError):
    """The caller's own key is missing or wrong."""

    status = 401
    kind = "authentication"
    code = "invalid_api_key"


class PermissionDenied(GatewayError):
    """The caller is known but may not do this."""

    status = 403
    kind = "permission"
    code = "permission_denied"


class NotFound(GatewayError):
    """No such route or model."""

    status = 404
    kind = "not_found"
    code = "not_found"


class MethodNotAllowed(GatewayError):
    """The route exists with another method; ``headers`` carries ``allow``."""

    status = 405
    kind = "invalid_request"
    code = "method_not_allowed"


class RequestTimeout(GatewayError):
    """The client did not send its whole request in time."""

    status = 408
    kind = "timeout"
    code = "request_timeout"


class Conflict(GatewayError):
    """The request contradicts another one in progress."""

    status = 409
    kind = "conflict"
    code = "conflict"


class RequestTooLarge(GatewayError):
    """The body is larger than the gateway's limit."""

    status = 413
    kind = "too_large"
    code = "request_too_large"


class UnsupportedMedia(GatewayError):
    """The body's content type or encoding is not accepted."""

    status = 415
    kind = "invalid_request"
    code = "unsupported_media_type"


class RateLimited(GatewayError):
    """Too many requests; ``retry_after`` says when to come back."""

    status = 429
    kind = "rate_limit"
    code = "rate_limit_exceeded"


class QuotaExceeded(GatewayError):
    """Money or a hard quota has run out: waiting a little does not help."""

    status = 429
    kind = "quota"
    code = "insufficient_quota"
    default_retry = False


class InternalError(GatewayError):
    """A fault of the gateway's own; the text is generic, details go to the log."""

    status = 500
    kind = "internal"
    code = "internal_error"


class PluginError(InternalError):
    """A plugin failed; the client is told which, the log has the traceback."""

    code = "plugin_error"

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        super().__init__(
            f"plugin {plugin!r} failed in {hook}: {reason}; see the gateway's log, "
            f'or switch it off with [gateway] disable = ["{plugin}"]'
        )
        self.plugin = plugin
        self.hook = hook


class Unavailable(GatewayError):
    """Nothing can serve this request now, but something may later."""

    status = 503
    kind = "overloaded"
    code = "unavailable"


class DeadlineExceeded(GatewayError):
    """The request's one deadline passed."""

    status = 504
    kind = "timeout"
    code = "deadline_exceeded"
    default_retry = False
