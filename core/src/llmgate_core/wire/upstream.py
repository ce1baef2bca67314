"""The way to providers over aiohttp's client, with the defaults a gateway needs.

aiohttp's own would follow redirects, end every request after 300 s, decompress whole bodies into memory, keep cookies, and never
retry a POST that met a connection the server was just closing.
"""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from ..provider import Timeouts, UpstreamRequest
from ..upstream_errors import (
    UpstreamBadResponse,
    UpstreamConnectError,
    UpstreamConnectTimeout,
    UpstreamDisconnected,
    UpstreamError,
    UpstreamTlsError,
)
from ..upstream_limits import no_head, read_whole
from .inflate import Inflater

_NO_AUTO_HEADERS: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
_ONE_PIECE: Final = 1024 * 1024
_GONE: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class AiohttpReply:
    """See :class:`~llmgate_core.upstream.Reply`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        encoding = self.headers.get("content-encoding", "identity")
        self._inflater = None if encoding == "identity" else Inflater(encoding)

    async def chunk(self, timeout: float) -> bytes:
        """See :class:`~llmgate_core.upstream.Reply`."""
        try:
            async with asyncio.timeout(max(0.0, timeout)):
                while data := await self._response.content.readany():
                    piece = data if self._inflater is None else self._inflater.feed(data)
                    if piece:
                        return piece
        except (aiohttp.ClientError, ConnectionError) as error:
            raise UpstreamDisconnected("the provider's connection broke off inside the answer") from error
        return b"" if self._inflater is None else self._inflater.end()

    def whole(self, limit: int) -> bytes | None:
        """See :class:`~llmgate_core.upstream.Reply`: here there is never enough of it to tell."""
        return None

    async def read(self, limit: int, timeout: float, deadline: float) -> bytes:
        """See :class:`~llmgate_core.upstream.Reply`."""
        return await read_whole(self, limit, timeout, deadline)

    def close(self) -> None:
        """See :class:`~llmgate_core.upstream.Reply`."""
        if self._response.content.at_eof() and self._response.content.exception() is None:
            self._response.release()
        else:
            self._response.close()


class AiohttpUpstream:
    """See :class:`~llmgate_core.upstream.Upstream`. ``max_connections`` is per origin.

    ``ssl_context`` replaces the system's certificate authorities.
    """

    needs_task = True

    def __init__(self, *, max_connections: int = 1000, ssl_context: ssl.SSLContext | None = None) -> None:
        self._max_connections = max_connections
        self._ssl_context = ssl_context
        self._pooled: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """See :class:`~llmgate_core.upstream.Upstream`."""
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()  # aiohttp's own is made once per process, at import
        self._pooled = self._session(force_close=False)
        self._fresh = self._session(force_close=True)

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(_note_reuse)
        keeping: dict[str, Any] = {} if force_close else {"keepalive_timeout": 15.0}
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=self._max_connections,
            ttl_dns_cache=60,
            force_close=force_close,
            ssl=self._ssl_context or True,
            **keeping,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=_NO_AUTO_HEADERS,
            trace_configs=[trace],
            trust_env=True,
            max_line_size=64 * 1024,
            max_field_size=64 * 1024,
        )

    async def close(self) -> None:
        """See :class:`~llmgate_core.upstream.Upstream`."""
        for session in (self._pooled, self._fresh):
            if session is not None:
                await session.close()

    async def send(self, request: UpstreamRequest, timeouts: Timeouts, deadline: float) -> AiohttpReply:
        """See :class:`~llmgate_core.upstream.Upstream`. A connection that died in the pool is replaced by a fresh one, once."""
        if self._pooled is None or self._fresh is None:
            raise UpstreamConnectError("the gateway is not open")
        seen = SimpleNamespace(reused=False)
        async with _explained(request, timeouts, deadline):
            try:
                return await _request(self._pooled, request, timeouts, seen)
            except _GONE as error:
                if not seen.reused or isinstance(error, aiohttp.ClientConnectorError):
                    raise
            return await _request(self._fresh, request, timeouts, seen)


async def _request(
    session: aiohttp.ClientSession, request: UpstreamRequest, timeouts: Timeouts, seen: SimpleNamespace
) -> AiohttpReply:
    response = await session.request(
        request.method,
        URL(request.url, encoded=True),
        data=request.body
        if len(request.body) < _ONE_PIECE
        else io.BytesIO(request.body),  # aiohttp warns of large bytes
        headers={"accept-encoding": "identity", "user-agent": "llmgate", **request.headers},
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_connect=timeouts.connect),
        trace_request_ctx=seen,
    )
    try:
        return AiohttpReply(response)
    except BaseException:
        response.close()
        raise


async def _note_reuse(_session: Any, context: Any, _params: Any) -> None:
    context.trace_request_ctx.reused = True


@asynccontextmanager
async def _explained(request: UpstreamRequest, timeouts: Timeouts, deadline: float) -> AsyncIterator[None]:
    """Turn aiohttp's exceptions into ours. Their texts are never used: they quote headers and URLs."""
    origin = URL(request.url, encoded=True).origin()
    try:
        async with asyncio.timeout(max(0.0, min(timeouts.first_byte, deadline - time.monotonic()))):
            yield
    except UpstreamError:
        raise
    except (aiohttp.ConnectionTimeoutError, aiohttp.ServerTimeoutError) as error:
        raise UpstreamConnectTimeout(f"no connection to {origin} within {timeouts.connect:g} s") from error
    except (aiohttp.ClientConnectorSSLError, aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
        raise UpstreamTlsError(f"no secure connection to {origin}: its certificate or handshake was refused") from error
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise UpstreamConnectError(f"no connection to {origin}: {_reason(error)}") from error
    except TimeoutError as error:
        raise no_head(str(origin), timeouts, deadline) from error
    except _GONE as error:
        raise UpstreamDisconnected(f"{origin} closed the connection without an answer") from error
    except aiohttp.ClientError as error:
        raise UpstreamBadResponse(f"{origin} gave an answer that is not valid HTTP") from error


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "there is no such host"
    return getattr(cause, "strerror", None) or "it cannot be reached"
