"""The full lane: one HTTP request as aiohttp read it, routed and handed to the pipeline or to an endpoint."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from ..dialect import Dialect
from ..endpoints import EndpointRequest
from ..errors import GatewayError, InternalError, InvalidRequest, RequestTimeout, RequestTooLarge
from ..exchange import Head
from ..gateway import Gateway
from ..intake import new_id
from ..relay import error_headers
from ..routes import Match
from .protocol import ON_EVERY_ANSWER, FullLane, FullRequest, ServerProtocol, plain_error
from .responder import AiohttpResponder

if TYPE_CHECKING:
    from .lane import Lane

logger = logging.getLogger("llmgate")


def make_full_lane(lane: Lane) -> FullLane:
    """A factory of aiohttp's connection handlers, serving whatever gateway the lane serves."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        with lane.serving as gateway:
            return await _handle(gateway, request, lane.slow.body_rate)

    return ServerProtocol.server(handle, lane.slow.idle)


async def _handle(gateway: Gateway, request: web.BaseRequest, rate: int) -> web.StreamResponse:
    """One HTTP request: routed, read, handed to the pipeline or to an endpoint."""
    connection = request.protocol if isinstance(request.protocol, ServerProtocol) else None
    if connection is not None:
        connection.begins()
    head = _head_of(request)
    dialect: Dialect | None = None
    try:
        if isinstance(request, FullRequest) and not request.is_spoken:
            raise InvalidRequest("only HTTP/1.1 and HTTP/1.0 are served", status=505, code="invalid_http")
        match = gateway.intake.routes.find(head)
        dialect = match.dialect
        if match.endpoint is not None:
            return await _endpoint(gateway, request, head, match, rate)
        gateway.intake.check_head(head)
        await _expected(request, head)
        body = await _body(gateway, request, rate)
    except GatewayError as error:
        return _early_error(error, dialect or gateway.intake.error_dialect(head))
    exchange, refused = gateway.intake.open(head, match, body)
    responder = AiohttpResponder(request, exchange)
    if connection is not None:
        connection.probes_with(responder.probe)
    try:
        await gateway.handle(exchange, responder, refused)
    finally:
        if connection is not None:
            connection.probes_with(None)
    return responder.response


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


async def _body(gateway: Gateway, request: web.BaseRequest, rate: int) -> bytes:
    """The whole body, ``rate`` bytes a second after its time of grace. Raises RequestTooLarge or RequestTimeout."""
    limit = gateway.config.gateway.max_body
    pieces: list[bytes] = []
    size = 0
    until = asyncio.get_running_loop().time() + gateway.config.gateway.body_timeout
    try:
        async with asyncio.timeout_at(until) as limits:
            while data := await request.content.readany():
                size += len(data)
                if size > limit:
                    raise RequestTooLarge(f"the body is larger than {limit} bytes ([gateway] max_body)")
                pieces.append(data)
                limits.reschedule(until + size / rate)
    except TimeoutError:
        raise RequestTimeout("the request's body did not come in time; send it without pauses") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _endpoint(gateway: Gateway, request: web.BaseRequest, head: Head, match: Match, rate: int) -> web.Response:
    if match.endpoint is None:
        raise TypeError("a dialect's route is no endpoint")
    try:
        answer = await match.endpoint(EndpointRequest(head, await _body(gateway, request, rate), match.params))
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
