"""What can go wrong between the gateway and a provider.

    UpstreamError                  502  AMBIGUOUS
    ├── UpstreamConnectError       502  NOT_SENT    refused, no route, no such host
    ├── UpstreamConnectTimeout     504  NOT_SENT
    ├── UpstreamTlsError           502  NOT_SENT    never answered by switching verification off
    ├── UpstreamOverloaded         503  NOT_SENT    our pool to that origin is full
    ├── NoKeyAvailable             503  NOT_SENT    every key of the provider rests or is retired
    ├── UpstreamDisconnected       502  AMBIGUOUS   sent, then reset or closed without a status
    ├── UpstreamTimeout            504  AMBIGUOUS   no first byte in time
    ├── UpstreamBadResponse        502  AMBIGUOUS   malformed or truncated answer
    ├── UpstreamRedirect           502  REJECTED    never followed
    ├── UpstreamEmpty              502  AMBIGUOUS   204, 304 or an empty 200
    ├── UpstreamRejected           ...  REJECTED    a complete error answer
    └── StreamInterrupted          502  PARTIAL     the stream broke after content had come
        └── StreamIdleTimeout      504  PARTIAL

The attempt class says what may be done next: NOT_SENT is always safe to try again; AMBIGUOUS may have been billed;
PARTIAL has reached the client and is never repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .errors import ErrorKind, GatewayError


class AttemptClass(Enum):
    """How far one attempt came."""

    NOT_SENT = "not_sent"
    AMBIGUOUS = "ambiguous"
    REJECTED = "rejected"
    PARTIAL = "partial"
    OK = "ok"


class UpstreamError(GatewayError):
    """A provider, or the way to it, failed."""

    status = 502
    kind: ErrorKind = "upstream"
    code = "upstream_error"
    attempt_class = AttemptClass.AMBIGUOUS


class UpstreamConnectError(UpstreamError):
    """No connection could be made."""

    code = "upstream_connect_error"
    attempt_class = AttemptClass.NOT_SENT


class UpstreamConnectTimeout(UpstreamError):
    """No connection within the connect limit."""

    status = 504
    kind = "timeout"
    code = "upstream_connect_timeout"
    attempt_class = AttemptClass.NOT_SENT


class UpstreamTlsError(UpstreamError):
    """The provider's certificate or handshake was not acceptable."""

    code = "upstream_tls_error"
    attempt_class = AttemptClass.NOT_SENT


class UpstreamOverloaded(UpstreamError):
    """All connections to the origin are busy and the wait for one was too long."""

    status = 503
    kind = "overloaded"
    code = "upstream_overloaded"
    attempt_class = AttemptClass.NOT_SENT


class NoKeyAvailable(UpstreamError):
    """The provider has keys, but none may be used now; ``retry_after`` says when the first one wakes."""

    status = 503
    kind = "overloaded"
    code = "no_key_available"
    attempt_class = AttemptClass.NOT_SENT


class UpstreamDisconnected(UpstreamError):
    """The connection ended after the request was sent and before a status came."""

    code = "upstream_disconnected"


class UpstreamTimeout(UpstreamError):
    """The request was sent and no first byte (or no first content) came in time."""

    status = 504
    kind = "timeout"
    code = "upstream_timeout"


class UpstreamBadResponse(UpstreamError):
    """The answer is not what the dialect's specification allows."""

    code = "upstream_bad_response"


class UpstreamRedirect(UpstreamError):
    """The provider answered with a redirect, which a gateway must not follow."""

    code = "upstream_redirect"
    attempt_class = AttemptClass.REJECTED


class UpstreamEmpty(UpstreamError):
    """The provider answered with no body."""

    code = "upstream_empty"


class UpstreamRejected(UpstreamError):
    """A complete error answer of the provider.

    ``upstream_status`` is what the provider sent, ``status`` what the client will see. ``body`` holds the
    provider's own JSON when it may be relayed unchanged to a client of the same dialect, else None.
    """

    attempt_class = AttemptClass.REJECTED

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int,
        status: int,
        kind: ErrorKind,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        body: bytes | None = None,
        upstream_headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            kind=kind,
            code=code,
            param=param,
            retry_after=retry_after,
            should_retry=should_retry,
        )
        self.upstream_status = upstream_status
        self.body = body
        self.upstream_headers = upstream_headers or {}


class StreamInterrupted(UpstreamError):
    """The stream ended before its end marker."""

    code = "upstream_stream_interrupted"
    attempt_class = AttemptClass.PARTIAL


class StreamIdleTimeout(StreamInterrupted):
    """No frame within the idle limit."""

    status = 504
    kind = "timeout"
    code = "stream_idle_timeout"
