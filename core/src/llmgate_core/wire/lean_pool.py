"""Connections to one origin: kept alive, bounded, queued for when all are busy."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final

from ..native import native
from ..upstream_errors import (
    UpstreamConnectError,
    UpstreamConnectTimeout,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTlsError,
)
from .known_answer import Shapes
from .lean_connection import LeanConnection
from .outbox import Outbox, make_outbox

if TYPE_CHECKING or native is None:
    from .quick_pool import QuickPool
else:
    QuickPool = native.QuickPool

IDLE_SECONDS: Final = 15.0
"""Shorter than the usual 60 s of providers and NATs: a connection they drop silently costs a request."""
AGE_SECONDS: Final = 300.0
"""New connections meet new DNS answers."""
_STAGGER: Final = 0.25


class LeanPool(QuickPool):
    """The connections to ``host:port``. ``tls`` is None for plain HTTP; ``origin`` is for messages."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, limit: int, outbox: Outbox | None = None
    ) -> None:
        super().__init__(deque(), monotonic(), IDLE_SECONDS, AGE_SECONDS)
        self._host = host
        self._port = port
        self._tls = tls
        self._limit = limit
        self.origin = f"{'http' if tls is None else 'https'}://{host}:{port}"
        self._all: set[LeanConnection] = set()
        self._open = 0
        self._shapes = Shapes()
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox or make_outbox(self._loop)

    async def take(self, timeout: float, *, fresh: bool = False) -> LeanConnection:
        """A connection, waiting for one when all are busy. Raises :class:`UpstreamError` of class NOT_SENT."""
        deadline = self._loop.time() + timeout
        while self._open >= self._limit:
            await self._queue(deadline, timeout)
            if not fresh and (connection := self.pick()) is not None:
                return connection
        self._open += 1
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._connect()
            self._all.add(connection)
            return connection
        except BaseException as error:
            self._freed()
            if isinstance(error, TimeoutError):
                raise UpstreamConnectTimeout(f"no connection to {self.origin} within {timeout:g} s") from error
            raise

    async def _queue(self, deadline: float, timeout: float) -> None:
        if len(self._waiters) >= self._limit:
            raise UpstreamOverloaded(f"{self._limit} connections to {self.origin} are busy, and as many requests wait")
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter
        except TimeoutError:
            told = f"all {self._limit} connections to {self.origin} were busy for {timeout:g} s"
            raise UpstreamOverloaded(told) from None
        finally:
            if not waiter.done() or waiter.cancelled():
                self._waiters.remove(waiter)

    async def _connect(self) -> LeanConnection:
        import aiohappyeyeballs  # not before somebody listens: see Server.start

        try:
            addresses = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            sock = await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=_STAGGER, interleave=1, loop=self._loop
            )
        except socket.gaierror as error:
            raise UpstreamConnectError(f"no connection to {self.origin}: there is no such host") from error
        except OSError as error:
            reason = error.strerror or "it cannot be reached"
            raise UpstreamConnectError(f"no connection to {self.origin}: {reason}") from error
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            _, connection = await self._loop.create_connection(
                lambda: LeanConnection(self._loop, self._shapes, self._outbox),
                sock=sock,
                ssl=self._tls,
                server_hostname=self._host if self._tls is not None else None,
            )
        except (ssl.SSLError, ConnectionError) as error:
            sock.close()
            raise (
                self._not_secure() if self._tls else UpstreamConnectError(f"no connection to {self.origin}")
            ) from error
        except BaseException:
            sock.close()
            raise
        return connection

    def _not_secure(self) -> UpstreamError:
        return UpstreamTlsError(f"no secure connection to {self.origin}: its certificate or handshake was refused")

    def drop(self, connection: LeanConnection) -> None:
        """Close a connection for good."""
        connection.abort()
        self._all.discard(connection)
        self._freed()

    def unclaimed(self, taking: asyncio.Task[LeanConnection]) -> None:
        """Whoever awaited :meth:`take` has left: a connection that came all the same is closed."""
        if not taking.cancelled() and taking.exception() is None:
            self.drop(taking.result())

    def _freed(self) -> None:
        self._open -= 1
        self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def watch(self, now: float) -> None:
        """End the waits whose time is up."""
        self._now = now
        for connection in tuple(self._all):
            connection.overdue(now)

    def sweep(self) -> None:
        """Close what has been idle too long, or was closed by the other side."""
        now = self._now = monotonic()
        stale = [one for one in self._idle if one.lost or now - one.idle_since > IDLE_SECONDS]
        if stale:
            self._idle[:] = [one for one in self._idle if one not in stale]
            for connection in stale:
                self.drop(connection)

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self.drop(self._idle.pop())
