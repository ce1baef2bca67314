"""Answers of the lean lane: the head goes out together with the first bytes of the body, frames are written whole."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ..exchange import Exchange

if TYPE_CHECKING:
    from .lane import Lane
    from .lean_server import LeanProtocol

_REASONS: Final = tuple(
    f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else 'Status'}"
    for status in range(600)
)


class LeanResponder:
    """See :class:`~llmgate_core.responder.Responder`."""

    __slots__ = ("_chunked", "_connection", "_exchange", "_head", "_lane", "ended")

    def __init__(self, connection: LeanProtocol, exchange: Exchange, lane: Lane) -> None:
        self._connection = connection
        self._exchange = exchange
        self._lane = lane
        self._head = b""
        self._chunked = False
        self.ended = False

    async def start(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """See :class:`~llmgate_core.responder.Responder`. Nothing is written yet unless the body is a stream."""
        exchange = self._exchange
        lines = [_REASONS[status]]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request_id = exchange.id
        lines.append(f"cache-control: no-store\r\nx-request-id: {request_id}\r\n{self._lane.date_and_server}")
        own = exchange.dialect.request_id_header
        if own != "x-request-id":
            lines.append(f"{own}: {request_id}")
        lines.append("transfer-encoding: chunked" if length is None else f"content-length: {length}")
        if self._connection.closing or self._lane.draining:
            self._connection.closing = True
            lines.append("connection: close")
        text = "\r\n".join(lines)
        # A plugin's header value with a line end in it would be a second header: such heads are cleaned, not sent.
        if text.count("\n") != len(lines) + 2:
            text = "\r\n".join(line for line in text.split("\r\n") if "\n" not in line and "\r" not in line)
        self._head = text.encode("latin-1", "replace") + b"\r\n\r\n"
        self._chunked = length is None

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
        transport.write(data)
        if connection.drained is not None:
            await connection.drained

    async def end(self) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        tail = b"0\r\n\r\n" if self._chunked else b""
        if self._head or tail:
            self._connection.transport.write(self._head + tail)
            self._head = b""
        self.ended = True

    def probe(self) -> None:
        """Write what means nothing to a client that still reads: an interim status, or a comment inside the stream."""
        transport = self._connection.transport
        if self.ended or transport.is_closing():
            return
        if self._head or not self._exchange.committed_at:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self._chunked:
            comment = self._exchange.dialect.keep_alive
            transport.write(b"%x\r\n%b\r\n" % (len(comment), comment))
