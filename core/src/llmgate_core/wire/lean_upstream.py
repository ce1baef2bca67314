"""The lean way to providers: what the hot path needs of HTTP/1.1 and no more.

Whatever is unusual (an HTTP proxy in the environment) goes through aiohttp's client, whole.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec

from ..native import native
from ..provider import Timeouts, UpstreamRequest
from ..structs import quickly_set
from ..upstream import Reply, Upstream
from ..upstream_errors import UpstreamBadResponse, UpstreamDisconnected
from ..upstream_limits import no_head, read_whole
from .inflate import Inflater
from .lean_connection import LeanConnection
from .lean_pool import IDLE_SECONDS, LeanPool
from .outbox import Outbox, make_outbox
from .quick_upstream import Asked, Prepared

if TYPE_CHECKING or native is None:
    from .quick_upstream import QuickUpstream
else:
    QuickUpstream = native.QuickUpstream

_CACHED_HEADS: Final = 1024
_TICK: Final = 0.05
_OWN_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@quickly_set
class LeanReply(msgspec.Struct, eq=False):
    """See :class:`~llmgate_core.upstream.Reply`."""

    status: int
    headers: Mapping[str, str]
    _connection: LeanConnection | None
    _pool: LeanPool
    _inflater: Inflater | None

    async def chunk(self, timeout: float) -> bytes:
        """See :class:`~llmgate_core.upstream.Reply`."""
        connection = self._connection
        if connection is None:
            return b""
        while not connection.body:
            if connection.failed is not None:
                raise connection.failed
            if connection.complete:
                return b"" if self._inflater is None else self._inflater.end()
            if connection.lost:
                raise UpstreamDisconnected("the provider closed the connection inside its answer")
            await connection.wait(monotonic() + timeout)
        data = connection.take()
        if self._inflater is None:
            return data
        # Compressed bytes may decode to nothing yet, which would read as the end.
        return self._inflater.feed(data) or await self.chunk(timeout)

    def whole(self, limit: int) -> bytes | None:
        """See :class:`~llmgate_core.upstream.Reply`. Mostly the body came together with the head."""
        connection = self._connection
        if connection is None or self._inflater is not None:
            return None
        body = connection.take_whole(limit)
        if body is not None:
            self._connection = None
            self._pool.give_back(connection)
        return body

    async def read(self, limit: int, timeout: float, deadline: float) -> bytes:
        """See :class:`~llmgate_core.upstream.Reply`."""
        return await read_whole(self, limit, timeout, deadline)

    def close(self) -> None:
        """See :class:`~llmgate_core.upstream.Reply`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(connection)


def _inflater(headers: Mapping[str, str]) -> Inflater | None:
    encoding = headers["content-encoding"]
    return None if encoding == "identity" else Inflater(encoding)


class LeanUpstream(QuickUpstream):
    """See :class:`~llmgate_core.upstream.Upstream`. ``max_connections`` is per origin.

    ``ssl_context`` replaces the system's certificate authorities.
    """

    def __init__(self, *, max_connections: int = 1000, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__({}, LeanReply)
        self._max_connections = max_connections
        self._ssl_context = ssl_context
        self._pools: dict[tuple[str, str, int], LeanPool] = {}
        self._unusual: Upstream | None = None
        self._outbox: Outbox | None = None
        self._next_clean = 0.0
        self.needs_task = False
        self._sweeper: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """See :class:`~llmgate_core.upstream.Upstream`."""
        if any(name in urllib.request.getproxies() for name in ("http", "https", "all")):
            from .upstream import AiohttpUpstream

            self._unusual = AiohttpUpstream(max_connections=self._max_connections, ssl_context=self._ssl_context)
            await self._unusual.open()
            self.needs_task = self._unusual.needs_task
        self._outbox = make_outbox(asyncio.get_running_loop())
        self._sweep()

    async def close(self) -> None:
        """See :class:`~llmgate_core.upstream.Upstream`."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for pool in self._pools.values():
            pool.close()
        if self._unusual is not None:
            await self._unusual.close()
        await asyncio.sleep(0)

    def _sweep(self) -> None:
        """The clock of all connections: ends waits that are over, and now and then closes what is idle too long."""
        now = monotonic()
        for pool in tuple(self._pools.values()):  # a request whose wait ends may go on at once, to a new origin
            pool.watch(now)
        if now >= self._next_clean:
            self._next_clean = now + IDLE_SECONDS / 3
            for pool in self._pools.values():
                pool.sweep()
        self._sweeper = asyncio.get_running_loop().call_later(_TICK, self._sweep)

    async def _patiently(
        self, request: UpstreamRequest, timeouts: Timeouts, deadline: float, asked: Asked | None = None
    ) -> Reply:
        """See :class:`QuickUpstream`. A connection that died in the pool is replaced by a fresh one, once."""
        if self._unusual is not None:
            return await self._unusual.send(request, timeouts, deadline)
        prepared = self._heads.get(id(request.headers))
        if prepared is None or prepared.headers is not request.headers or prepared.url != request.url:
            prepared = self._prepare(request)
        pool, fresh = prepared.pool, False
        while True:
            if asked is None:
                connection = (None if fresh else pool.pick()) or await _connected(pool, timeouts, deadline, fresh=fresh)
                asked = _ask(connection, prepared.text, request.body, min(deadline, monotonic() + timeouts.first_byte))
            answer, asked = _answer(pool, asked, timeouts, deadline, fresh=fresh), None
            reply = await answer
            if reply is not None:
                return reply
            fresh = True

    def _prepare(self, request: UpstreamRequest) -> Prepared:
        """The pool and all of the head but the length, kept as long as the provider gives the same headers object."""
        from yarl import URL  # not before somebody listens: see Server.start

        url = URL(request.url, encoded=True)
        if url.scheme not in {"http", "https"} or not url.raw_host or not url.port:
            raise UpstreamBadResponse("the provider's base_url is not an http or https URL")
        key = (url.scheme, url.raw_host, url.port)
        pool = self._pools.get(key)
        if pool is None:
            tls = (self._ssl_context or ssl.create_default_context()) if url.scheme == "https" else None
            pool = self._pools[key] = LeanPool(url.raw_host, url.port, tls, self._max_connections, self._outbox)
        host = url.raw_host if ":" not in url.raw_host else f"[{url.raw_host}]"
        host = host if url.is_default_port() else f"{host}:{url.port}"
        lines = [f"{request.method} {url.raw_path_qs} HTTP/1.1", f"host: {host}", "accept-encoding: identity"]
        headers = {"user-agent": "llmgate", **request.headers}
        for name, value in headers.items():
            if name in _OWN_HEADERS:
                continue
            if not (value.isascii() and value.isprintable()) or not name.replace("-", "").replace("_", "").isalnum():
                raise UpstreamBadResponse(f"the header {name!r} for the provider has characters HTTP does not allow")
            lines.append(f"{name}: {value}")
        head = ("\r\n".join(lines) + "\r\ncontent-length: ").encode("ascii")
        if len(self._heads) >= _CACHED_HEADS:
            self._heads.clear()
        prepared = self._heads[id(request.headers)] = Prepared(request.headers, request.url, pool, head)
        return prepared


def _ask(connection: LeanConnection, text: bytes, body: bytes, until: float) -> Asked:
    try:
        return connection, until, None if connection.lost else connection.ask(text, body, until), None
    except Exception as error:  # noqa: BLE001  # whatever it is, it is raised where the answer is awaited
        return connection, until, None, error


async def _answer(
    pool: LeanPool, asked: Asked, timeouts: Timeouts, deadline: float, *, fresh: bool
) -> LeanReply | None:
    """The head of the answer. None when the provider closed the connection just before it was asked: nothing was lost."""
    connection, until, waiting, error = asked
    try:
        if error is not None:
            raise error
        if waiting is not None:
            await waiting
        while not connection.status and connection.failed is None:  # woken by an interim answer: none counts
            await connection.wait(until)
        if connection.failed is None:
            headers = connection.headers
            inflater = None if headers.shape.encoding is None else _inflater(headers)
            return LeanReply(connection.status, headers, connection, pool, inflater)
    except TimeoutError:
        pool.drop(connection)
        raise no_head(pool.origin, timeouts, deadline) from None
    except BaseException:
        pool.drop(connection)
        raise
    finally:
        del asked, error, waiting  # an exception refers to this frame: nothing here is to refer to it
    pool.drop(connection)
    raced = isinstance(connection.failed, UpstreamDisconnected) and not connection.got_bytes
    if fresh or not (raced and connection.reused):
        raise connection.failed
    return None


async def _connected(pool: LeanPool, timeouts: Timeouts, deadline: float, *, fresh: bool) -> LeanConnection:
    taking = pool.take(max(0.0, min(timeouts.connect, deadline - monotonic())), fresh=fresh)
    if asyncio.current_task() is not None:
        return await taking
    task = asyncio.get_running_loop().create_task(taking)  # what waits with a timeout needs one around it
    try:
        return await task
    except BaseException:
        task.add_done_callback(pool.unclaimed)
        raise
