"""The lean lane of the server: a small JSON POST to a known route, on :class:`asyncio.Protocol` with nothing in between.

A request that is not for this lane is handed to the full lane (aiohttp) at a request boundary, the connection whole and its
bytes replayed; it stays there. The pipeline is the same on both.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from ..exchange import Head
from ..routes import Match
from .lane import Lane
from .lean_head import LONGEST_HEAD, LeanHead, read_head
from .lean_responder import LeanResponder
from .probing import keep_probing

logger = logging.getLogger("llmgate")
LONGEST_BODY: Final = 1024 * 1024
_PIPELINED: Final = 256 * 1024


class LeanProtocol(asyncio.Protocol):
    """One client connection on the lean lane, until it is handed over."""

    __slots__ = (
        "_buffer",
        "_drained",
        "_ended",
        "_head",
        "_head_end",
        "_known",
        "_lane",
        "_match",
        "_peer",
        "_reading",
        "_responder",
        "_task",
        "closing",
        "paused_since",
        "served",
        "since",
        "transport",
    )

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._buffer: bytes | bytearray = b""
        self._head: LeanHead | None = None
        self._head_end = 0
        self._match: Match | None = None
        self._task: asyncio.Task[None] | None = None
        self._responder: LeanResponder | None = None
        self._drained: asyncio.Future[None] | None = None
        self._reading = True
        self._peer = ""
        self._known: tuple[bytes, bytes, LeanHead] | None = None
        self.transport: Any = None
        self.closing = False
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
        self._drained = self._lane.loop.create_future()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._resume()

    def _resume(self) -> None:
        self.paused_since = None
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    @property
    def drained(self) -> asyncio.Future[None] | None:
        """What a writer awaits before it goes on; None when there is room."""
        return self._drained

    @property
    def received(self) -> int:
        """Bytes of the request that is coming in."""
        return len(self._buffer)

    @property
    def waits_for_body(self) -> bool:
        """Whether the head is there and the body is not."""
        return self._head is not None

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._task is not None

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        """Bytes of this request, or, early, of the next."""
        if not self._buffer:
            self.since = self._lane.loop.time()
            self._buffer = data
        else:
            if type(self._buffer) is bytes:
                self._buffer = bytearray(self._buffer)
            self._buffer += data
        if self._task is None:
            self._next()
        elif len(self._buffer) > _PIPELINED and self._reading:
            self._reading = False
            self.transport.pause_reading()

    def _next(self) -> None:
        """Start the request that is whole in the buffer, if one is; hand over what is not for this lane."""
        head = self._head
        if head is None:
            if not self._read_head():
                return
            head = self._head
        if head is None or self._match is None or len(self._buffer) < self._head_end + head.length:
            return
        end = self._head_end + head.length
        view = memoryview(self._buffer)
        body = bytes(view[self._head_end : end])
        self._buffer = bytes(view[end:]) if end < len(view) else b""
        self.closing = self.closing or head.close or self._lane.draining
        self._head = None
        self._task = self._lane.loop.create_task(self._serve(head, self._match, body))

    def _read_head(self) -> bool:
        """Whether a head for this lane was read. If it is for the other one, the connection is handed over."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", 0, LONGEST_HEAD)
        if end < 0:
            if len(buffer) >= LONGEST_HEAD or not buffer[:1].isalpha() or b"\n\n" in buffer or b"\n\r\n" in buffer:
                self._hand_over()
            return False
        head = self._remembered(bytes(buffer[: end + 2]))
        match = None if head is None else self._lane.match(head)
        if head is None or match is None or head.length > LONGEST_BODY:
            self._hand_over()
            return False
        self._head, self._head_end, self._match = head, end + 4, match
        return True

    def _remembered(self, data: bytes) -> LeanHead | None:
        """The head in ``data``, read only once where a client repeats all of it but the body's length, as SDKs do."""
        before, mark, rest = data.partition(b"\r\ncontent-length: ")
        if not mark:
            before, mark, rest = data.partition(b"\r\nContent-Length: ")
        length, _, after = rest.partition(b"\r\n")
        known = self._known
        if known is not None and known[0] == before and known[1] == after and length.isdigit() and len(length) < 8:
            head = known[2]
            return LeanHead(head.path, head.query, head.headers, int(length), head.close)
        head_read = read_head(data)
        self._known = None if head_read is None or not mark else (before, after, head_read)
        return head_read

    def _hand_over(self) -> None:
        """Give the connection, with the bytes of the request that does not fit, to the full lane."""
        self._lane.lean.discard(self)
        buffer, self._buffer = self._buffer, b""
        full = self._lane.full_lane()()
        self.transport.set_protocol(full)
        full.connection_made(self.transport)
        if self._drained is not None:
            full.pause_writing()  # the last bytes of the answer before are not taken yet
        full.data_received(bytes(buffer))
        if self._ended and not full.eof_received():
            self.transport.close()

    async def _serve(self, head: LeanHead, match: Match, body: bytes) -> None:
        lane = self._lane
        responder: LeanResponder | None = None
        try:
            with lane.serving as gateway:
                exchange, refused = gateway.intake.open(
                    Head("POST", head.path, head.query, head.headers, self._peer), match, body
                )
                responder = self._responder = LeanResponder(self, exchange, lane)
                await gateway.handle(exchange, responder, refused)
        except Exception as error:  # noqa: BLE001  # the answer has begun: only closing the connection is honest now
            if not isinstance(error, ConnectionError):
                logger.debug("an answer broke off: %s", type(error).__name__)
        finally:
            self._task = None
            self._responder = None
            if responder is None or not responder.ended:
                self.transport.abort()
        self._after()

    def _after(self) -> None:
        """The answer is out: close, or go on with what has come meanwhile."""
        self.served += 1
        self.since = self._lane.loop.time()
        if self.closing or self._lane.draining:
            self.transport.close()
            return
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()
        if self._buffer:
            self._next()
        if self._ended and self._task is None and self.transport.get_protocol() is self:
            self.transport.close()

    def cancel(self) -> None:
        """End the request in hand."""
        if self._task is not None:
            self._task.cancel()
