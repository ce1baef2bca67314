"""Answers of the lean lane: the head goes out together with the first bytes of the body, frames are written whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from ..exchange import Exchange
from ..native import native
from ..structs import quickly_set

if TYPE_CHECKING:
    from .lane import Lane
    from .lean_server import LeanProtocol

_REASONS: Final = tuple(
    f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else 'Status'}"
    for status in range(600)
)
_ONE_PIECE: Final = 64 * 1024
_answer: Final[Callable[..., bool] | None] = None if native is None else native.answer
"""Writes a whole answer, unless it has headers that Python must look at."""


@quickly_set
class LeanResponder(msgspec.Struct, eq=False):
    """See :class:`~llmgate_core.responder.Responder`."""

    _connection: LeanProtocol
    _exchange: Exchange
    _lane: Lane
    _head: bytes = b""
    _chunked: bool = False
    ended: bool = False

    async def start(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """See :class:`~llmgate_core.responder.Responder`. Nothing is written yet unless the body is a stream."""
        framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        self._head = self._head_of(status, headers, framing)
        self._chunked = length is None

    def _head_of(self, status: int, headers: Mapping[str, str], framing: str) -> bytes:
        exchange = self._exchange
        lane = self._lane
        request_id = exchange.id
        # A plugin's header with a line end in it would be a second header: such lines are left out, not sent.
        if not ("".join(headers).isprintable() and "".join(headers.values()).isprintable()):
            headers = {name: value for name, value in headers.items() if name.isprintable() and value.isprintable()}
        given = ""
        for name, value in headers.items():
            given += f"{name}: {value}\r\n"
        own = exchange.dialect.request_id_header
        if own != "x-request-id":
            given += f"{own}: {request_id}\r\n"
        if self._connection.closing or lane.draining:
            self._connection.closing = True
            given += "connection: close\r\n"
        head = (
            f"{_REASONS[status]}\r\n{given}cache-control: no-store\r\nx-request-id: {request_id}\r\n"
            f"{lane.date_and_server}\r\n{framing}\r\n\r\n"
        )
        return head.encode() if head.isascii() else head.encode("latin-1", "replace")

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> Awaitable[None] | None:
        """See :class:`~llmgate_core.responder.Responder`: one write."""
        connection, lane = self._connection, self._lane
        if lane.draining:
            connection.closing = True
        if _answer is None or not _answer(
            connection.transport,
            lane.outbox,
            _REASONS[status],
            headers,
            self._exchange.dialect.request_id_header,
            self._exchange.id,
            connection.closing,
            lane.date_and_server,
            body,
        ):
            self._answer_patiently(status, headers, body)
        self.ended = True
        return connection.drained

    def _answer_patiently(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        transport = self._connection.transport
        if transport.is_closing():
            raise ConnectionResetError("the client has left")
        head = self._head_of(status, headers, f"content-length: {len(body)}")
        if len(body) < _ONE_PIECE:
            self._lane.outbox.write(transport, head + body)
        else:
            self._lane.outbox.flush()  # what was written before goes out before
            transport.writelines((head, body))

    async def write(self, data: bytes) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        if self._chunked:
            data = b"%b%x\r\n%b\r\n" % (self._head, len(data), data) if data else self._head
        elif self._head:
            data = self._head + data
        self._head = b""
        connection = self._connection
        transport = connection.transport
        if transport.is_closing():
            raise ConnectionResetError("the client has left")
        self._lane.outbox.write(transport, data)
        if connection.drained is not None:
            await connection.drained

    async def end(self) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        tail = b"0\r\n\r\n" if self._chunked else b""
        if self._head or tail:
            self._lane.outbox.write(self._connection.transport, self._head + tail)
            self._head = b""
        self.ended = True

    def probe(self) -> None:
        """Write what means nothing to a client that still reads: an interim status, or a comment inside the stream."""
        transport = self._connection.transport
        if self.ended or transport.is_closing():
            return
        if self._head or not self._exchange.committed_at:
            self._lane.outbox.write(transport, b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self._chunked:
            comment = self._exchange.dialect.keep_alive
            self._lane.outbox.write(transport, b"%x\r\n%b\r\n" % (len(comment), comment))
