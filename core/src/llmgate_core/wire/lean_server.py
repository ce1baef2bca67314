"""The lean lane of the server: a small JSON POST to a known route, on :class:`asyncio.Protocol` with nothing in between.

A request that is not for this lane is handed to the full lane (aiohttp) at a request boundary, the connection whole and its
bytes replayed; it stays there. The pipeline is the same on both.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from ..exchange import Head
from ..native import native
from ..routes import Match
from .lane import Lane
from .lean_head import LONGEST_HEAD, LeanHead, read_head
from .lean_responder import LeanResponder
from .probing import keep_probing
from .quick_requests import Known

if TYPE_CHECKING or native is None:
    from .quick_requests import QuickRequests
else:
    QuickRequests = native.QuickRequests

logger = logging.getLogger("llmgate")
LONGEST_BODY: Final = 1024 * 1024
_PIPELINED: Final = 256 * 1024


class LeanProtocol(QuickRequests, asyncio.Protocol):
    """One client connection on the lean lane, until it is handed over."""

    __slots__ = (
        "_ended",
        "_length",
        "_missing",
        "_parts",
        "_peer",
        "_reading",
        "_responder",
        "drained",
        "paused_since",
        "served",
        "transport",
    )

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane)
        self._parts: list[bytes | memoryview] = []
        self._length = self._missing = 0
        self._responder: LeanResponder | None = None
        self.drained: asyncio.Future[None] | None = (
            None  # what a writer awaits before it goes on; None when there is room
        )
        self._reading = True
        self._peer = ""
        self.transport: Any = None
        self._ended = False
        self.served = 0
        self.since = lane.loop.time()
        self.paused_since: float | None = None

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: Any) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._lane.lean.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left: whatever is done for it ends."""
        self._lane.lean.discard(self)
        self._resume()
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """Half a close, or a whole one? Something harmless is written: only a client that left answers with a reset."""
        self._lane.outbox.flush()
        if self._task is None:
            return False
        self._ended = True
        keep_probing(self._lane.loop, self._probe)
        return True

    def _probe(self) -> bool:
        """Write something harmless to a client that may be gone; False when there is no request to end."""
        if self._task is None or self.transport.is_closing():
            return False
        if self._responder is not None:
            self._responder.probe()
        return True

    def pause_writing(self) -> None:
        """The client reads slower than we write: whoever writes waits, and so does the provider."""
        self.paused_since = self._lane.loop.time()
        self.drained = self._lane.loop.create_future()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._resume()

    def _resume(self) -> None:
        self.paused_since = None
        drained, self.drained = self.drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    @property
    def received(self) -> int:
        """Bytes of the request that is coming in."""
        return len(self._buffer) if self._pending is None else self._length - self._missing

    @property
    def waits_for_body(self) -> bool:
        """Whether the head is there and the body is not."""
        return self._pending is not None

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._task is not None

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _patiently(self, data: bytes) -> None:
        """A head that is not known, a part of one, or bytes that come while a request is being answered."""
        self._buffer = self._buffer + data if self._buffer else data
        if self._task is None:
            self._read_head()
        elif len(self._buffer) > _PIPELINED and self._reading:
            self._reading = False
            self.transport.pause_reading()

    def _begin(self, known: Known, length: int, data: bytes, at: int) -> None:
        """A head has come; its body, ``length`` bytes, begins ``at`` in ``data`` and is not all there, or more is."""
        self._pending = known
        self._length = self._missing = length
        self._buffer = b""
        self._parts.clear()
        self._take(memoryview(data)[at:])

    def _take(self, data: bytes | memoryview) -> None:
        """More of the body; once it is whole, its request is served."""
        missing = self._missing - len(data)
        if missing > 0:
            self._missing = missing
            self._parts.append(data)
            return
        known, self._pending = self._pending, None
        if missing < 0:
            self._buffer = bytes(data[missing:])
            data = data[:missing]
        body = b"".join((*self._parts, data))
        self._parts.clear()
        if known is not None:
            self._start(known, body)

    def _read_head(self) -> None:
        """Read the head in the buffer, if it is whole. If it is not for this lane, the connection is handed over."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", 0, LONGEST_HEAD)
        if end < 0:
            if len(buffer) >= LONGEST_HEAD or not buffer[:1].isalpha() or b"\n\n" in buffer or b"\n\r\n" in buffer:
                self._hand_over()
            return
        head = read_head(buffer[: end + 2])
        match = None if head is None else self._lane.match(head)
        if head is None or match is None or head.length > LONGEST_BODY:
            self._hand_over()
            return
        self._begin(self._remember(buffer[: end + 4], head, match), head.length, buffer, end + 4)

    def _remember(self, data: bytes, head: LeanHead, match: Match) -> Known:
        """What is to be known of a head: kept for the next request if its length stands as SDKs write it."""
        before, mark, rest = data.partition(b"\r\ncontent-length: ")
        if not mark:
            before, mark, rest = data.partition(b"\r\nContent-Length: ")
        serving = self._lane.serving
        longest = min(LONGEST_BODY, serving.gateway.config.gateway.max_body)
        told = Head("POST", head.path, head.query, head.headers, self._peer)
        known = Known(
            before + mark, rest[rest.find(b"\r") :], told, match, head.close, longest, serving, serving.gateway.may_wait
        )
        self._known = known if mark else None
        return known

    def _hand_over(self) -> None:
        """Give the connection, with the bytes of the request that does not fit, to the full lane."""
        self._lane.outbox.flush()
        self._lane.lean.discard(self)
        buffer, self._buffer = self._buffer, b""
        full = self._lane.full_lane()()
        self.transport.set_protocol(full)
        full.connection_made(self.transport)
        if self.drained is not None:
            full.pause_writing()  # the last bytes of the answer before are not taken yet
        full.data_received(buffer)
        if self._ended and not full.eof_received():
            self.transport.close()

    async def _serve(self, known: Known, body: bytes) -> None:
        lane = self._lane
        serving = lane.serving
        serving.requests += 1
        if serving.busy_poll is not None:
            serving.busy_poll.extend()
        responder: LeanResponder | None = None
        try:
            match = known.match if known.serving is serving else serving.gateway.intake.routes.find(known.head)
            exchange, refused = serving.gateway.intake.open(known.head, match, body)
            responder = self._responder = LeanResponder(self, exchange, lane)
            await serving.gateway.handle(exchange, responder, refused)
        except Exception as error:  # noqa: BLE001  # the answer has begun: only closing the connection is honest now
            if not isinstance(error, ConnectionError):
                logger.debug("an answer broke off: %s", type(error).__name__)
        finally:
            self._task = self._responder = None
            if responder is None or not responder.ended:
                self.transport.abort()
            serving.left()
        self._after()

    def _after(self) -> None:
        """The answer is out: close, or go on with what has come meanwhile."""
        self.served += 1
        self.since = monotonic()
        if self.closing or self._lane.draining:
            self._close()
            return
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()
        if self._buffer and not self.transport.is_closing():  # observers swallow the cancellation of a client that left
            self._read_head()
        if self._ended and self._task is None and self.transport.get_protocol() is self:
            self._close()

    def _close(self) -> None:
        self._lane.outbox.flush()
        self.transport.close()

    def cancel(self) -> None:
        """End the request in hand."""
        if self._task is not None:
            self._task.cancel()
