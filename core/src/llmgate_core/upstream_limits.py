"""How long to wait for a provider: by its own limits, and never past the request's one deadline."""

from __future__ import annotations

import time

from .errors import DeadlineExceeded, GatewayError
from .provider import Timeouts
from .upstream import Reply
from .upstream_errors import UpstreamBadResponse, UpstreamTimeout


async def read_whole(reply: Reply, limit: int, timeout: float, deadline: float) -> bytes:
    """All pieces of a body, each within ``timeout`` and all before ``deadline``. Raises what the first that fails means."""
    pieces: list[bytes] = []
    size = 0
    while True:
        try:
            data = await reply.chunk(min(timeout, max(0.0, deadline - time.monotonic())))
        except TimeoutError:
            if time.monotonic() >= deadline:
                raise DeadlineExceeded("the request's time is up before the provider's answer was whole") from None
            raise UpstreamTimeout(f"the provider's answer stood still for {timeout:g} s") from None
        if not data:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        size += len(data)
        if size > limit:
            raise UpstreamBadResponse(f"the provider's answer is larger than {limit} bytes")
        pieces.append(data)


def no_head(origin: str, timeouts: Timeouts, deadline: float) -> GatewayError:
    """The error for a provider that gave no status in time: whose time it was that ran out."""
    if time.monotonic() >= deadline:
        return DeadlineExceeded("the request's time is up before a provider answered")
    return UpstreamTimeout(f"{origin} gave no answer within {timeouts.first_byte:g} s")


def no_content(provider: str, limit: float, deadline: float) -> GatewayError:
    """The same for a provider that answered, and then sent nothing that counts for ``limit`` seconds."""
    if time.monotonic() >= deadline:
        return DeadlineExceeded("the request's time is up before the provider's answer came")
    return UpstreamTimeout(f"provider {provider!r} sent no content within {limit:g} s")
