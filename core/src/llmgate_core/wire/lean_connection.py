"""One pooled connection to a provider: llhttp (httptools) on an :class:`asyncio.Protocol`, one request at a time.

Reading is paused while nobody takes what has come (a slow client slows its provider). Waiting is a bare future; who watches
the clock is the pool, for all its connections together.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import httptools

from ..headers import WireHeaders
from ..native import native
from ..upstream_errors import UpstreamBadResponse, UpstreamDisconnected, UpstreamError
from .known_answer import Shapes
from .outbox import Outbox

if TYPE_CHECKING or native is None:
    from .quick_connection import QuickConnection
else:
    QuickConnection = native.QuickConnection

_LONGEST_HEAD: Final = 64 * 1024


class LeanConnection(QuickConnection, asyncio.Protocol):
    """A client connection."""

    __slots__ = ("_kept", "_parser", "_raw", "_unasked", "on_body", "on_header")

    def __init__(self, loop: asyncio.AbstractEventLoop, shapes: Shapes, outbox: Outbox) -> None:
        super().__init__(loop, shapes, outbox, WireHeaders(shapes.of(()), ()))
        self._raw: dict[bytes, bytes] = {}
        self.on_header = self._raw.__setitem__
        self.on_body = self.body.append
        self._parser: Any = None
        self._kept = 0
        self._unasked = False
        self.born = self.idle_since = monotonic()

    # ── asyncio's side ───────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: Any) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = transport
        self._parser = httptools.HttpResponseParser(self)

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

    def _fail(self, error: UpstreamError) -> None:
        if self.failed is None:
            self.failed = error
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self.keep = False
        if self.transport is not None:
            self.transport.abort()
