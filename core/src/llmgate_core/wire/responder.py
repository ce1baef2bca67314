"""Answers of the full lane."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Final

from aiohttp import web

from ..exchange import Exchange
from .protocol import ON_EVERY_ANSWER

_BREAKS_OUT: Final = frozenset("\r\n\0")
"""A plugin's header with one of these would be a second header, or the body: it is left out."""


class AiohttpResponder:
    """See :class:`~llmgate_core.responder.Responder`."""

    def __init__(self, request: web.BaseRequest, exchange: Exchange) -> None:
        self._request = request
        self._exchange = exchange
        self.response: web.StreamResponse = web.Response(status=500)
        self._chunked = False

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> Awaitable[None] | None:
        """See :class:`~llmgate_core.responder.Responder`."""
        return self._whole(status, headers, body)

    async def _whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self.start(status, headers, len(body))
        await self.write(body)
        await self.end()

    async def start(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        request_id = self._exchange.id
        response = web.StreamResponse(
            status=status,
            headers={
                **{name: value for name, value in headers.items() if not _BREAKS_OUT.intersection(name + value)},
                **ON_EVERY_ANSWER,
                "x-request-id": request_id,
                self._exchange.dialect.request_id_header: request_id,
            },
        )
        response.content_length = length
        if length is None and self._request.version >= (1, 1):
            response.enable_chunked_encoding()
        self.response = response
        await response.prepare(self._request)
        self._chunked = length is None and self._request.version >= (1, 1)

    async def write(self, data: bytes) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        await self.response.write(data)

    def probe(self) -> None:
        """Write what means nothing to a client that still reads: an interim status, or a comment inside the stream."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return
        if not self.response.prepared:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self._chunked:
            comment = self._exchange.dialect.keep_alive
            transport.write(b"%x\r\n%b\r\n" % (len(comment), comment))

    async def end(self) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        await self.response.write_eof()
