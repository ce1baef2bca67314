"""The commit point and what follows it: the answer's bytes, or one terminal error event.

Before the first byte of the head is written anything may still be tried; after it nothing is, and never is a second model's
text spliced in.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from time import monotonic
from typing import Final

from attrs import define, field

from .errors import DeadlineExceeded, GatewayError, InternalError
from .exchange import Exchange
from .feeds import Feed
from .provider import Timeouts
from .responder import Responder
from .response import Response
from .upstream_errors import StreamIdleTimeout, UpstreamTimeout

logger = logging.getLogger("llmgate")
JSON: Final = "application/json"
_COME_BACK: Final = 5.0
"""Seconds after which to try again when something is overloaded and nobody said for how long."""


@define
class OpenStream:
    """A stream past its hold-back: ``held`` is what came before it was let go. ``first_by`` is when content must have come."""

    feed: Feed
    timeouts: Timeouts
    first_by: float
    held: list[bytes] = field(factory=list)
    headers: Mapping[str, str] = field(factory=dict)


def send_whole(exchange: Exchange, response: Response, responder: Responder) -> Awaitable[None] | None:
    """Write a complete answer. What must be awaited until it is out, None when there is nothing to wait for."""
    body = response.body
    if body is None or response.edited:
        canonical = response.canonical
        body = b"" if canonical is None else exchange.dialect.write_response(canonical, exchange.request)
    return _commit(exchange, response.status, {**exchange.response_headers, **response.headers}, body, responder)


async def send_error(exchange: Exchange, error: GatewayError, responder: Responder) -> None:
    """Write an error answer in the client's dialect."""
    exchange.error = error
    exchange.outcome = "error"
    headers = {**exchange.response_headers, **error_headers(error)}
    if len(exchange.attempts) > 1:
        headers["x-should-retry"] = "false"
    own = getattr(error, "body", None) if exchange.attempts and exchange.attempt.dialect is exchange.dialect else None
    body = own or exchange.dialect.write_error(error, exchange.id)
    pending = _commit(exchange, error.status, headers, body, responder)
    if pending is not None:
        await pending


def error_headers(error: GatewayError) -> dict[str, str]:
    """The headers that an error asks for."""
    headers = dict(error.headers)
    after = _COME_BACK if error.retry_after is None and error.status == 503 else error.retry_after
    if after is not None:
        headers["retry-after"] = str(max(0, -int(-after // 1)))
    if error.should_retry is not None:
        headers["x-should-retry"] = "true" if error.should_retry else "false"
    return headers


def _commit(
    exchange: Exchange, status: int, headers: dict[str, str], body: bytes, responder: Responder
) -> Awaitable[None] | None:
    if "content-type" not in headers:
        headers["content-type"] = JSON
    exchange.status = status
    exchange.bytes_sent = len(body)
    exchange.committed_at = monotonic()
    return responder.whole(status, headers, body)


async def send_stream(exchange: Exchange, stream: OpenStream, responder: Responder, keep_alive: float) -> None:
    """Write a stream to its end, or to one terminal error event."""
    headers = {**exchange.response_headers, **stream.headers, "content-type": exchange.dialect.stream_type}
    exchange.status = 200
    exchange.committed_at = monotonic()
    await responder.start(200, headers, None)
    try:
        held = b"".join(stream.held)
        stream.held.clear()
        if held:
            exchange.bytes_sent += len(held)
            written = responder.write(held)
            held = b""  # as in _pump: the connection has it
            await written
        await _pump(exchange, stream, responder, keep_alive)
        exchange.outcome = "ok"
    except ConnectionError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever broke the stream, the client must learn that it is not whole
        exchange.outcome = "partial"
        exchange.error = seen = _as_told(exchange, error)
        await responder.write(exchange.dialect.write_stream_error(seen, exchange.id))
    await responder.end()


def _as_told(exchange: Exchange, error: Exception) -> GatewayError:
    """The error that a client sees; what is no error of ours goes to the log."""
    if isinstance(error, GatewayError):
        return error
    logger.error("request %s failed inside the gateway after its answer had begun", exchange.id, exc_info=error)
    return InternalError(f"the gateway failed on this request; its log says why under id {exchange.id}")


async def _pump(exchange: Exchange, stream: OpenStream, responder: Responder, keep_alive: float) -> None:
    feed = stream.feed
    now = monotonic()
    deadline, idle = exchange.deadline, stream.timeouts.idle
    idle_by = now + idle if feed.content else stream.first_by
    while True:
        wait = (min(deadline, idle_by)) - now
        try:
            data = await feed.next(min(keep_alive, wait))
        except TimeoutError:
            exchange.waited += monotonic() - now
            now = monotonic()
            if now >= deadline:
                raise DeadlineExceeded("the request's time is up; the answer is incomplete") from None
            if now >= idle_by:
                raise _too_slow(feed, stream.timeouts) from None
            await responder.write(exchange.dialect.keep_alive)
            continue
        if data is None:
            return
        came = monotonic()
        exchange.waited += came - now
        if feed.content:
            if exchange.first_content_at is None:
                exchange.first_content_at = came
            idle_by = came + idle
        now = came
        if data:
            exchange.bytes_sent += len(data)
            written = responder.write(data)
            data = None  # while a slow client is waited for, its connection alone holds what it gets
            await written
            now = monotonic()


def _too_slow(feed: Feed, timeouts: Timeouts) -> GatewayError:
    if feed.content:
        return StreamIdleTimeout(f"the provider's stream stood still for {timeouts.idle:g} s")
    return UpstreamTimeout(f"the provider sent no content within {timeouts.first_byte:g} s")
