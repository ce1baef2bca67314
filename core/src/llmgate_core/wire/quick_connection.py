"""The hot half of a connection to a provider: what every request does. The rest is :class:`LeanConnection`'s.

Has a compiled twin of the same name: what changes here, changes there.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, Final

from ..headers import WireHeaders
from ..upstream_errors import UpstreamError
from .known_answer import Shapes
from .outbox import Outbox

HIGH_WATER: Final = 64 * 1024


class QuickConnection:
    """Asks, and takes in what comes.

    ``reused``: an earlier request was answered over it; ``body``: pieces that wait to be taken; ``headers`` are ``nothing``
    before any have come.
    """

    __slots__ = (
        "_due",
        "_head_size",
        "_left",
        "_loop",
        "_outbox",
        "_paused",
        "_shapes",
        "_waiter",
        "_waiting_size",
        "body",
        "born",
        "complete",
        "failed",
        "got_bytes",
        "headers",
        "idle_since",
        "keep",
        "lost",
        "reused",
        "status",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, shapes: Shapes, outbox: Outbox, nothing: WireHeaders) -> None:
        self._loop = loop
        self._shapes = shapes
        self._outbox = outbox
        self._waiter: asyncio.Future[None] | None = None
        self._due = 0.0
        self._paused = False
        self._waiting_size = self._left = self._head_size = 0
        self.transport: Any = None
        self.body: list[bytes] = []
        self.failed: UpstreamError | None = None
        self.status = 0
        self.headers = nothing
        self.complete = self.keep = self.got_bytes = self.lost = self.reused = False
        self.born = self.idle_since = 0.0

    @abstractmethod
    def _parse(self, data: bytes) -> None:
        """Bytes that are not known."""

    @abstractmethod
    def abort(self) -> None:
        """Close at once."""

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

    def ask(self, text: bytes, body: bytes, due: float) -> asyncio.Future[None]:
        """Send a request, and :meth:`wait`. ``text`` is its head up to the body's length. All that a kept connection has left
        of its last answer is reset here.
        """
        self.complete = self.keep = self.got_bytes = False
        self.status = self._head_size = self._left = 0
        head = b"%b%d\r\n\r\n" % (text, len(body))
        if len(body) < HIGH_WATER:
            self._outbox.write(self.transport, head + body)
        else:
            self.transport.writelines((head, body))
        return self.wait(due)

    def wait(self, due: float) -> asyncio.Future[None]:
        """What to await until something new has come; raises TimeoutError when it is past ``due`` (``time.monotonic()``)."""
        waiter = self._waiter = self._loop.create_future()
        self._due = due
        return waiter

    def overdue(self, now: float) -> None:
        """Called by the pool now and then: end a wait whose time is up."""
        waiter = self._waiter
        if waiter is not None and now >= self._due and not waiter.done():
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

    def take_whole(self, limit: int) -> bytes | None:
        """The body of an answer that is complete, of 1 to ``limit`` bytes; otherwise None, and nothing is taken."""
        if not self.complete or self.failed is not None or not self.body or sum(map(len, self.body)) > limit:
            return None
        return self.take()
