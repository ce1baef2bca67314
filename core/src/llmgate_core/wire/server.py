"""The server: every connection begins on the lean lane and is handed to the full lane (aiohttp) when a request needs it.

It serves gateways one after the other: a reload puts a new one in place, and the old one ends when its last request has.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping

from aiohttp import web

from ..dialect import Dialect
from ..endpoints import EndpointRequest
from ..errors import GatewayError, InternalError, InvalidRequest, RequestTimeout, RequestTooLarge
from ..exchange import Head
from ..gateway import Gateway
from ..intake import new_id
from ..relay import error_headers
from ..routes import Match
from .lane import Lane, Serving
from .lean_server import LeanProtocol
from .lean_upstream import LeanUpstream
from .protocol import ON_EVERY_ANSWER, ServerProtocol, plain_error
from .responder import AiohttpResponder
from .upstream import AiohttpUpstream

logger = logging.getLogger("llmgate")


class Server:
    """Serves a gateway on a listening socket. ``lean`` False: everything takes the full lanes, in and out (to compare them)."""

    def __init__(self, gateway: Gateway, *, lean: bool = True) -> None:
        self._first = gateway
        self._lean = lean
        self._lane: Lane | None = None
        self._listener: asyncio.Server | None = None
        self._http: web.Server | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self, sock: socket.socket) -> None:
        """Enter the gateway's lifespan, then accept connections on a bound socket."""
        serving = await self._open(self._first)
        http = self._http = ServerProtocol.server(self._handle)
        lane = self._lane = Lane(serving, http, lean=self._lean)
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: LeanProtocol(lane), sock=sock, backlog=1024
        )

    async def _open(self, gateway: Gateway) -> Serving:
        limit = gateway.config.gateway.max_connections
        kind = LeanUpstream if self._lean else AiohttpUpstream
        await gateway.open(kind(max_connections=limit))
        return Serving(gateway)

    async def replace(self, gateway: Gateway) -> None:
        """Let a new gateway take all further requests; the old one leaves when its last request is done."""
        if self._lane is None:
            raise RuntimeError("the server was not started")
        serving = await self._open(gateway)
        old, self._lane.serving = self._lane.serving, serving
        task = asyncio.create_task(_leave(old), name="llmgate: an old gateway leaves")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def stop(self, grace: float) -> None:
        """Stop accepting, let requests in flight finish for up to ``grace`` seconds, then cancel them."""
        lane, http = self._lane, self._http
        if self._listener is None or lane is None or http is None:
            return
        self._listener.close()
        lane.drain()
        http.pre_shutdown()
        idle = asyncio.ensure_future(lane.serving.idle.wait())
        await asyncio.wait([idle, *self._leaving], timeout=grace)
        idle.cancel()
        lane.stop()
        await http.shutdown(timeout=0.5)
        await lane.serving.idle.wait()
        await lane.serving.gateway.close()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One HTTP request: routed, read, handed to the pipeline or to an endpoint."""
        lane = self._lane
        if lane is None:
            raise RuntimeError("the server was not started")
        with lane.serving as gateway:
            head = _head_of(request)
            dialect: Dialect | None = None
            try:
                if request.version < (1, 0):
                    raise InvalidRequest("HTTP/0.9 is not served; use HTTP/1.1", code="invalid_http")
                match = gateway.intake.routes.find(head)
                dialect = match.dialect
                if match.endpoint is not None:
                    return await _endpoint(gateway, request, head, match)
                gateway.intake.check_head(head)
                await _expected(request, head)
                body = await _body(gateway, request)
            except GatewayError as error:
                return _early_error(error, dialect or gateway.intake.error_dialect(head))
            exchange, refused = gateway.intake.open(head, match, body)
            responder = AiohttpResponder(request, exchange)
            connection = request.protocol
            if isinstance(connection, ServerProtocol):
                connection.probes_with(responder.probe)
            try:
                await gateway.handle(exchange, responder, refused)
            finally:
                if isinstance(connection, ServerProtocol):
                    connection.probes_with(None)
            return responder.response


async def _leave(old: Serving) -> None:
    await old.idle.wait()
    await old.gateway.close()


def _head_of(request: web.BaseRequest) -> Head:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    path, _, query = request.raw_path.partition("?")
    return Head(request.method, path, query, headers, request.remote or "")


async def _expected(request: web.BaseRequest, head: Head) -> None:
    """Tell a client that waits with its body that it is wanted. Raises a 417 for any other expectation."""
    expected = head.headers.get("expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        raise InvalidRequest("the header expect can only be 100-continue", status=417, code="expectation_failed")
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _body(gateway: Gateway, request: web.BaseRequest) -> bytes:
    """The whole body within its limits. Raises :class:`RequestTooLarge` or :class:`RequestTimeout`."""
    limit = gateway.config.gateway.max_body
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(gateway.config.gateway.body_timeout):
            while data := await request.content.readany():
                size += len(data)
                if size > limit:
                    raise RequestTooLarge(f"the body is larger than {limit} bytes ([gateway] max_body)")
                pieces.append(data)
    except TimeoutError:
        raise RequestTimeout("the request's body did not come in time; send it without pauses") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _endpoint(gateway: Gateway, request: web.BaseRequest, head: Head, match: Match) -> web.Response:
    if match.endpoint is None:
        raise TypeError("a dialect's route is no endpoint")
    try:
        answer = await match.endpoint(EndpointRequest(head, await _body(gateway, request), match.params))
    except GatewayError:
        raise
    except Exception as error:
        logger.exception("the endpoint %s failed", head.path)
        raise InternalError("this endpoint failed; the gateway's log says why") from error
    headers = {**ON_EVERY_ANSWER, **answer.headers, "content-type": answer.content_type}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _early_error(error: GatewayError, dialect: Dialect | None) -> web.Response:
    """The answer to a request that never became an exchange. What was not read of it is not interpreted: close."""
    request_id = new_id()
    body = plain_error(error) if dialect is None else dialect.write_error(error, request_id)
    headers: Mapping[str, str] = {
        **error_headers(error),
        **ON_EVERY_ANSWER,
        "content-type": "application/json",
        "x-request-id": request_id,
    }
    response = web.Response(status=error.status, body=body, headers=headers)
    response.force_close()
    return response
