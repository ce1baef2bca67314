"""A provider's error status, as the client will see it.

The client's own fault (400, 413 …) keeps its status. What is ours to mend (our key, our configuration) or the provider's
trouble becomes a 5xx: an application must never believe that its own key was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .errors import ErrorKind
from .upstream_errors import UpstreamRejected
from .wirevalues import ProviderError

_SEEN_AS: Final[Mapping[int, tuple[int, ErrorKind, str | None]]] = MappingProxyType(
    {
        401: (502, "upstream", "upstream_authentication"),
        402: (503, "overloaded", "upstream_payment_required"),
        403: (502, "upstream", "upstream_authentication"),
        407: (502, "upstream", "upstream_authentication"),
        408: (504, "timeout", "upstream_timeout"),
        409: (409, "conflict", None),
        413: (413, "too_large", None),
        429: (429, "rate_limit", None),
        500: (502, "upstream", None),
        503: (503, "overloaded", None),
        504: (504, "timeout", None),
        529: (503, "overloaded", None),
    }
)
_TEXT_WITHHELD: Final = frozenset({401, 402, 403, 407})


def reject(
    upstream_status: int,
    error: ProviderError,
    *,
    provider: str,
    body: bytes | None = None,
    retry_after: float | None = None,
    should_retry: bool | None = None,
    upstream_headers: Mapping[str, str] | None = None,
) -> UpstreamRejected:
    """The error to raise for a provider's complete error answer, before a stream or inside one."""
    if error.kind == "rate_limit" and upstream_status >= 500:
        upstream_status = 429  # a limit in a proxy's envelope is a limit
    if upstream_status in _SEEN_AS:
        status, kind, code = _SEEN_AS[upstream_status]
    elif upstream_status >= 500:
        status, kind, code = 502, "upstream", None
    else:
        status, kind, code = upstream_status, "invalid_request", None
    if status == upstream_status and error.kind is not None:
        kind = error.kind
    # What a provider says about our credentials may quote them.
    message = (
        f"provider {provider!r} refused the gateway's credentials"
        if upstream_status in _TEXT_WITHHELD
        else error.message
    )
    keep_body = error.verbatim and status == upstream_status
    return UpstreamRejected(
        message,
        upstream_status=upstream_status,
        status=status,
        kind=kind,
        code=code or error.code or f"upstream_{upstream_status}",
        param=error.param,
        retry_after=retry_after,
        should_retry=should_retry,
        body=body if keep_body else None,
        upstream_headers=upstream_headers,
    )
