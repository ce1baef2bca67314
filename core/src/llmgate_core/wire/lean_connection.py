"""One pooled connection to a provider: llhttp (httptools) on an :class:`asyncio.Protocol`, one request at a time.

Reading is paused while nobody takes what has come (a slow client slows its provider). Waiting is a bare future; who watches
the clock is the pool, for all its connections together.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any, Final

import httptools

from ..headers import WireHeaders
from ..upstream_errors import UpstreamBadResponse, UpstreamDisconnected, UpstreamError
from .known_answer import Shapes
from .outbox import Outbox

HIGH_WATER: Final = 64 * 1024
_LONGEST_HEAD: Final = 64 * 1024


class LeanConnection(asyncio.Protocol):
    """A client connection. ``reused``: an earlier request was answered over it; ``body``: pieces that wait to be taken."""

    __slots__ = (
        "_head_size",
        "_kept",
        "_left",
        "_loop",
        "_outbox",
        "_parser",
        "_paused",
        "_raw",
        "_shapes",
        "_unasked",
        "_waiter",
        "_waiting_size",
        "body",
        "born",
        "complete",
        "due",
        "failed",
        "got_bytes",
        "headers",
        "idle_since",
        "keep",
        "lost",
        "on_body",
        "on_header",
        "reused",
        "status",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, shapes: Shapes, outbox: Outbox) -> None:
        self._loop = loop
        self._outbox = outbox
        self._shapes = shapes
        self._raw: dict[bytes, bytes] = {}
        self.on_header = self._raw.__setitem__
        self.transport: Any = None
        self.born = self.idle_since = monotonic()
        self.due = 0.0
        self.reused = False
        self.lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._parser: Any = None
        self.body: list[bytes] = []
        self.on_body = self.body.append
        self._waiting_size = 0
        self._kept = 0
        self._left = 0
        self._head_size = 0
        self.failed: UpstreamError | None = None
        self.status = 0
        self.headers = WireHeaders(shapes.of(()), ())
        self.complete = False
        self.keep = False
        self.got_bytes = False
        self._unasked = False

    # ── asyncio's side ───────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: Any) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self.complete:
            # Bytes nobody asked for: what they belong to is unknown, so this connection serves no one any more.
            self.abort()
            return
        if not (self._take_more(data) if self._left else self._is_known(data)):
            self._parse(data)
        self._waiting_size += len(data)
        if self._waiting_size > HIGH_WATER and not self._paused and not self.complete:
            self._paused = True
            self.transport.pause_reading()
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _is_known(self, data: bytes) -> bool:
        """Whether an answer begins that needs no parser: one with a head as the last one's, and a length."""
        known = self._shapes.last
        match = None if known is None or self.got_bytes else known.pattern.match(data)
        if known is None or match is None:
            return False
        begin = match.end()
        left = int(match[known.length]) + begin - len(data)
        if left < 0:
            return False
        self.got_bytes = True
        self.status = 200
        self.headers = WireHeaders(known.shape, match.groups())
        if begin < len(data):
            self.body.append(data[begin:])
        self._left = left
        self.complete = self.keep = not left
        return True

    def _take_more(self, data: bytes) -> bool:
        """More of a body whose length is known. What comes beyond it ends the connection."""
        left = self._left - len(data)
        self._left = max(0, left)
        self.body.append(data[:left] if left < 0 else data)
        self.complete = left <= 0
        self.keep = not left
        return True

    def _parse(self, data: bytes) -> None:
        first, self.got_bytes = not self.got_bytes, True
        if not self.status:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(UpstreamBadResponse("the provider switched protocols, which was not asked for"))
        except httptools.HttpParserError:
            if not self.complete:
                self._fail(UpstreamBadResponse("the provider's answer is not valid HTTP"))
            self.keep = False
        if self._unasked:
            self.keep = False
            del self.body[self._kept :]
        if not self.status and self._head_size > _LONGEST_HEAD:
            self._fail(UpstreamBadResponse("the head of the provider's answer is too long"))
        if first and self.status:
            self._shapes.learn(data, self.headers)

    def eof_received(self) -> None:
        """See :class:`asyncio.Protocol`: the provider has no more to say, so neither have we."""

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self.lost = True
        if not self.complete:
            self._ended_by_close(exc)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _ended_by_close(self, exc: Exception | None) -> None:
        """A body without a length ends with its connection; anything else is cut short."""
        measured = "content-length" in self.headers or "transfer-encoding" in self.headers
        if exc is None and self.status and not measured:
            self.complete = True
        elif self.failed is None:
            where = "inside its answer" if self.status else "without an answer"
            self.failed = UpstreamDisconnected(f"the provider closed the connection {where}")

    # ── llhttp's side ────────────────────────────────────────────────────────────────────────────────────────────

    def on_headers_complete(self) -> None:
        """The head is there; an interim one (1xx) is skipped, and one that nobody asked for ends the connection later."""
        if self.complete:
            if not self._unasked:
                self._unasked, self._kept = True, len(self.body)
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._raw.clear()
            return
        raw = self._raw
        self.headers = WireHeaders(self._shapes.of(tuple(raw)), tuple(raw.values()))
        raw.clear()
        self.status = status

    def on_message_complete(self) -> None:
        """The answer is whole. Of an interim one nothing is kept."""
        if self.status and not self.complete:
            self.complete = True
            self.keep = self._parser.should_keep_alive()

    # ── our side ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, head: bytes, body: bytes, due: float) -> asyncio.Future[None]:
        """Send a request, and :meth:`wait`. All that a kept connection has left of its last answer is reset here."""
        self.complete = self.keep = self.got_bytes = False
        self.status = self._head_size = self._left = 0
        if len(body) < HIGH_WATER:
            self._outbox.write(self.transport, head + body)
        else:
            self.transport.writelines((head, body))
        self.due = due
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def wait(self, due: float) -> asyncio.Future[None]:
        """What to await until something new has come; raises TimeoutError when it is past ``due`` (``time.monotonic()``)."""
        waiter = self._waiter = self._loop.create_future()
        self.due = due
        return waiter

    def overdue(self, now: float) -> None:
        """Called by the pool now and then: end a wait whose time is up."""
        waiter = self._waiter
        if waiter is not None and now >= self.due and not waiter.done():
            self._waiter = None
            waiter.set_exception(TimeoutError())

    def take(self) -> bytes:
        """The bytes that have come, and room for more."""
        body = self.body
        data = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._waiting_size = 0
        if self._paused:
            self._paused = False
            if not self.lost:
                self.transport.resume_reading()
        return data

    def _fail(self, error: UpstreamError) -> None:
        if self.failed is None:
            self.failed = error
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self.keep = False
        if self.transport is not None:
            self.transport.abort()
