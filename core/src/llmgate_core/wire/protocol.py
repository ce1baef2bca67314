"""aiohttp's connection handler, made to answer its own errors as we do: JSON, a request id, nothing of the request in it.

Without this, a malformed header line (a key in ``Authorization``, say) would be put into the answer and into the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from aiohttp.web_protocol import RequestHandler

from ..errors import GatewayError, InternalError, InvalidRequest
from ..intake import new_id
from .probing import keep_probing
from .slow import TOO_SLOW, SlowLimits

logger = logging.getLogger("llmgate")
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
ON_EVERY_ANSWER: Final[Mapping[str, str]] = MappingProxyType({"server": "llmgate", "cache-control": "no-store"})


def plain_error(error: GatewayError) -> bytes:
    """An error body where no dialect is known: the shape most clients read."""
    told = {"message": error.message, "type": error.kind, "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": told})


class FullRequest(web.BaseRequest):
    """A request whose answer never claims a version of HTTP that is not spoken here: aiohttp would say HTTP/2.0 back."""

    @property
    def is_spoken(self) -> bool:
        """Whether the client's version of HTTP is one that is served: 1.0 or 1.1."""
        return super().version in {HttpVersion10, HttpVersion11}

    @property
    def version(self) -> HttpVersion:
        """What the answer is written in."""
        return super().version if self.is_spoken else HttpVersion11

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow. After an Upgrade, which is never granted, nobody can say what the bytes mean."""
        return super().keep_alive and "upgrade" not in self.headers.get("connection", "").lower()


class FullLane(web.Server):
    """aiohttp's connection factory, for :class:`ServerProtocol`."""

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> FullRequest:
        return FullRequest(message, payload, protocol, writer, task, self._loop)

    @property
    def ours(self) -> list[ServerProtocol]:
        """The connections that live."""
        return [one for one in self.connections if isinstance(one, ServerProtocol)]

    def __call__(self) -> ServerProtocol:
        """A handler for one more connection."""
        return ServerProtocol(self, loop=self._loop, **self._kwargs)


class ServerProtocol(RequestHandler):
    """One client connection."""

    __slots__ = ("_closing_since", "_ended", "_head_since", "_paused_since", "_responder_probe", "_wire")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_since: float | None = None
        self._responder_probe: Callable[[], None] | None = None
        self._ended = False
        self._paused_since: float | None = None
        self._closing_since: float | None = None
        self._wire: Any = None

    @staticmethod
    def server(handler: Handler, idle: float) -> FullLane:
        """A factory for ``loop.create_server``. A client that leaves cancels its handler."""
        return FullLane(
            handler,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=idle,
            lingering_time=0.5,
            logger=logger,
        )

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`. Notes since when a head is incomplete: aiohttp has no limit on that."""
        super().data_received(data)
        waiting = self._current_request is None and not self._messages
        self._head_since = (self._head_since or self._loop.time()) if waiting else None

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's own signature; aiohttp narrows it
        """A client that only closed its sending side still gets its answer; one that left resets what is written now."""
        if not self._answers:
            return False
        self._ended = True
        self.begins()
        keep_probing(self._loop, self._probe)
        return True

    def begins(self) -> None:
        """With each request: once the client has no more to say, the last one that is here is the last of all."""
        if self._ended and not self._messages:
            self.close()

    @property
    def _answers(self) -> bool:
        """Whether a request is there and not answered yet: from its bytes' coming on, before aiohttp's tasks have begun."""
        return bool(self._messages) or self._waiter is None

    def _probe(self) -> bool:
        """Write something harmless to a client that may be gone; False when there is no request to end."""
        if not self._answers or self.transport is None or self.transport.is_closing():
            return False
        request = self._current_request
        if request is not None and not request.content.is_eof():
            self.transport.close()  # the rest of its body will never come
            return False
        if self._responder_probe is not None:
            self._responder_probe()
        return True

    def probes_with(self, probe: Callable[[], None] | None) -> None:
        """What to write when the client's side closes while it waits."""
        self._responder_probe = probe

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`. aiohttp lets go of a transport that still has to write; the watch must not."""
        self._wire = transport
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._paused_since = self._loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._paused_since = None
        super().resume_writing()

    def watch(self, now: float, slow: SlowLimits) -> None:
        """End a connection whose head does not come to its end, or whose client does not read."""
        if self._wire.is_closing():
            self._closing_since = self._closing_since or now
        elif self._head_since is not None and now - self._head_since > slow.head:
            self._wire.write(TOO_SLOW)
            self._wire.close()
        for since in (self._paused_since, self._closing_since):
            if since is not None and now - since > slow.stuck:
                self._wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A request aiohttp could not parse, or a handler that raised."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun; the connection is closed")
        error: GatewayError
        if status >= 500:
            logger.error("a request failed in the server", exc_info=exc)
            error = InternalError("the gateway failed on this request; its log says why")
        else:
            error = InvalidRequest(
                f"the request is not valid HTTP ({type(exc).__name__ if exc else 'malformed'})",
                status=status,
                code="invalid_http",
            )
        headers = {**ON_EVERY_ANSWER, "x-request-id": new_id(), "content-type": "application/json"}
        response = web.Response(status=status, body=plain_error(error), headers=headers)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """aiohttp's own text quotes the request; ours is written in :meth:`handle_error`."""
