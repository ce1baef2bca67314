"""The server: every connection begins on the lean lane and is handed to the full lane (aiohttp) when a request needs it.

It serves gateways one after the other: a reload puts a new one in place, and the old one ends when its last request has.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import socket
from pathlib import Path
from typing import Final

from ..gateway import Gateway
from .lane import Lane, Serving
from .lean_server import LeanProtocol
from .lean_upstream import LeanUpstream
from .listener import Listener
from .slow import SlowLimits

logger: Final = logging.getLogger("llmgate")


class Server:
    """Serves a gateway on a listening socket. ``lean`` and ``slow`` replace ``[gateway] lean`` and how slow clients may be."""

    def __init__(self, gateway: Gateway, *, lean: bool | None = None, slow: SlowLimits | None = None) -> None:
        self._first = gateway
        self._lean = gateway.config.gateway.lean if lean is None else lean
        self._slow = slow
        self._lane: Lane | None = None
        self._listener: Listener | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._soon: asyncio.Handle | None = None
        self._warming: asyncio.Future[object] | None = None

    async def start(self, sock: socket.socket) -> None:
        """Enter the gateway's lifespan, then accept connections on a bound socket."""
        _need_c_parser()
        serving = await self._open(self._first)
        lane = self._lane = Lane(serving, lean=self._lean, slow=self._slow)
        self._listener = Listener(sock, lambda: LeanProtocol(lane))
        # not at once: who started the server says first that it listens, and a thread that imports would hold that up
        self._soon = asyncio.get_running_loop().call_soon(self._warm)

    def _warm(self) -> None:
        self._warming = asyncio.get_running_loop().run_in_executor(None, _load_the_rest, self._first)

    async def _open(self, gateway: Gateway) -> Serving:
        limit = gateway.config.gateway.max_connections
        if self._lean:
            await gateway.open(LeanUpstream(max_connections=limit))
        else:
            from .upstream import AiohttpUpstream

            await gateway.open(AiohttpUpstream(max_connections=limit))
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
        lane = self._lane
        if self._listener is None or lane is None:
            return
        await self._listener.close()
        if self._soon is not None:
            self._soon.cancel()
        if self._warming is not None:
            await asyncio.wait([self._warming])
        lane.drain()
        idle = asyncio.ensure_future(lane.serving.idle())
        await asyncio.wait([idle, *self._leaving], timeout=grace)
        idle.cancel()
        await lane.stop()
        await lane.serving.idle()
        await lane.serving.gateway.close()
        if self._leaving:
            await asyncio.wait(self._leaving)


async def _leave(old: Serving) -> None:
    await old.idle()
    await old.gateway.close()


def _load_the_rest(gateway: Gateway) -> None:
    """What takes longer to load than all the rest: while the first requests are served, not before."""
    for name, dialect in gateway.registry.dialects.items():
        try:
            dialect.prepare()
        except Exception:
            logger.exception("the dialect %r could not prepare itself; a request that needs it will tell", name)
    importlib.import_module("llmgate_core.wire.full")


def _need_c_parser() -> None:
    """aiohttp's parser in Python accepts what its parser in C refuses. Looked for on disk: importing it comes later."""
    spec = importlib.util.find_spec("aiohttp")
    places = spec.submodule_search_locations if spec is not None else None
    if not any(next(Path(place).glob("_http_parser.*.*"), None) for place in places or ()):
        raise RuntimeError("aiohttp was installed without its C extensions; install a wheel: pip install -U aiohttp")
