"""What the pipeline needs of a connection to a provider. The wire implements it; nothing above knows how."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

from .provider import Timeouts, UpstreamRequest


class Reply(Protocol):
    """A provider's answer whose head has come. ``headers`` are lower-case."""

    status: int
    headers: Mapping[str, str]

    async def chunk(self, timeout: float) -> bytes:
        """The next piece of the body as it came, ``b""`` at its end. Raises TimeoutError (nothing is lost, call again) or
        :class:`UpstreamDisconnected` when the body broke off.
        """

    def whole(self, limit: int) -> bytes | None:
        """The whole body, when all of it has come and is at most ``limit`` bytes; the connection is then given up. None when
        there is none, or not yet: then ``read``.
        """

    async def read(self, limit: int, timeout: float, deadline: float) -> bytes:
        """The whole body, at most ``limit`` bytes; ``timeout`` is between pieces, ``deadline`` (``time.monotonic()``) for
        all of it. Raises :class:`UpstreamError` or :class:`DeadlineExceeded`.
        """

    def close(self) -> None:
        """Give the connection up: back to the pool when the body was read to its end, closed at once otherwise."""


class Upstream(Protocol):
    """Sends requests to providers over pooled connections. ``needs_task``: its calls must be awaited inside a task."""

    needs_task: bool

    def send(self, request: UpstreamRequest, timeouts: Timeouts, deadline: float) -> Awaitable[Reply]:
        """Send a request and wait for the head of its answer, until ``deadline`` (``time.monotonic()``) at the latest.

        Raises :class:`UpstreamError` with the attempt's class, or :class:`DeadlineExceeded`.
        """

    async def open(self) -> None:
        """Before the first request."""

    async def close(self) -> None:
        """After the last one."""
