"""How long to wait for a provider: by its own limits, and never past the request's one deadline."""

from __future__ import annotations

import time

from .errors import DeadlineExceeded, GatewayError
from .provider import Timeouts
from .upstream_errors import UpstreamTimeout


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
