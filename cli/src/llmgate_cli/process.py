"""One process that serves: a socket, a gateway, and what signals ask of them.

SIGTERM, SIGINT   stop accepting, finish what is in flight (up to [gateway] grace), end
SIGINT again      end at once (a worker is told by SIGQUIT)
SIGHUP            read the configuration again and put a new gateway in place; keep the old one when that fails
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .order import DEFAULT_ORDER
from .output import TRACEBACK, Failure

if TYPE_CHECKING:
    import socket

    from llmgate_core.config import Config
    from llmgate_core.gateway import Gateway

logger: Final = logging.getLogger("llmgate")
KEPT_MEMORY: Final = 4 * 1024 * 1024
"""Bytes that are free and kept for the next request; what a worker may weigh more for it."""
HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def build(config: Config) -> Gateway:
    """A gateway with the shipped order of plugins. Raises :class:`ConfigError`."""
    from llmgate_core.startup import build_gateway

    importlib.invalidate_caches()  # plugins may have been installed since this process began
    return build_gateway(config, default_order=DEFAULT_ORDER)


class Process:
    """``read`` gives the configuration anew for each reload; ``ready`` is called once connections are accepted.

    ``lifeline`` is a pipe's end that is never written to: when it ends, the master is gone, and so is this worker's purpose.
    """

    def __init__(
        self,
        gateway: Gateway,
        read: Callable[[], Config],
        *,
        ready: Callable[[], None],
        lifeline: int | None = None,
    ) -> None:
        self._gateway = gateway
        self._read = read
        self._ready = ready
        self._lifeline = lifeline
        self._reloading = asyncio.Lock()

    def run(self, sock: socket.socket) -> None:
        """Serve until told to stop. Raises what the start raised."""
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(self._serve(sock))

    async def _serve(self, sock: socket.socket) -> None:
        from llmgate_core.native import native
        from llmgate_core.wire.server import Server

        if native is not None:
            native.keep_freed_memory(KEPT_MEMORY)  # before there is a thread
        signals = self._listen_to_signals()
        server = Server(self._gateway)
        await server.start(sock)
        self._ready()
        # What was made for the start stays for good: no collection has to walk through it. What a reload leaves of it in
        # cycles is not found any more; that is little, and once.
        gc.freeze()
        gc.enable()
        reloads: set[asyncio.Task[None]] = set()
        while await signals.get() == signal.SIGHUP:
            reload = asyncio.create_task(self._reload(server))
            reloads.add(reload)
            reload.add_done_callback(reloads.discard)
        for reload in reloads:
            reload.cancel()
        logger.info("stopping: requests in flight have %g s to finish", self._gateway.config.gateway.grace)
        await self._stop(server, signals)

    def _listen_to_signals(self) -> asyncio.Queue[int]:
        loop = asyncio.get_running_loop()
        signals: asyncio.Queue[int] = asyncio.Queue()
        for number in HEARD:
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGHUP:
                loop.add_signal_handler(number, signals.put_nowait, number)
        if self._lifeline is not None:
            loop.add_reader(self._lifeline, self._orphaned, self._lifeline, signals)
        # a master starts its workers with these blocked, so that none is lost before it is listened to
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        return signals

    def _orphaned(self, lifeline: int, signals: asyncio.Queue[int]) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        logger.warning("the master process is gone; this worker stops")
        signals.put_nowait(signal.SIGTERM)

    async def _stop(self, server: Any, signals: asyncio.Queue[int]) -> None:
        stopping = asyncio.create_task(server.stop(self._gateway.config.gateway.grace))
        hurry = asyncio.create_task(_told_to_hurry(signals))
        await asyncio.wait([stopping, hurry], return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not stopping.done():
            logger.warning("stopping at once")
            stopping.cancel()
            await asyncio.wait([stopping])
            stopping = asyncio.create_task(server.stop(0))
        await stopping

    async def _reload(self, server: Any) -> None:
        async with self._reloading:
            with reload_failures():
                config = await asyncio.to_thread(self._read)
                gateway = await asyncio.to_thread(build, config)
                await server.replace(gateway)
                tell_what_needs_a_restart(self._gateway, gateway)
                self._gateway = gateway
                logger.info("reloaded %s", config.file or "(no config file)")


@contextmanager
def reload_failures() -> Iterator[None]:
    """Nothing that goes wrong with a new configuration may touch the old one."""
    from llmgate_core.config import ConfigError

    try:
        yield
    except ConfigError as error:
        logger.error("kept the old configuration: %s", error)  # noqa: TRY400  # it names its place: no traceback
    except (Exception, SystemExit) as error:
        logger.exception("kept the old configuration: %s", type(error).__name__)


@contextmanager
def start_errors() -> Iterator[None]:
    """Turns what a plugin raised in its lifespan into a :class:`Failure`: there is nobody else to tell."""
    from llmgate_core.config import ConfigError

    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        what = f"{type(error).__name__}: {error}"
        raise Failure(f"the gateway could not serve: {what}\n  {TRACEBACK}=1 shows where") from error


def tell_what_needs_a_restart(old: Gateway, new: Gateway) -> None:
    """A module that was imported stays as it is: a plugin that was upgraded meanwhile runs on as it was."""
    versions = {plugin.name: plugin.version for plugin in old.plugins}
    for plugin in new.plugins:
        runs = versions.get(plugin.name, plugin.version)
        if runs != plugin.version:
            logger.warning("plugin %r runs as %s until a restart; %s is installed", plugin.name, runs, plugin.version)


async def _told_to_hurry(signals: asyncio.Queue[int]) -> None:
    while await signals.get() not in {signal.SIGINT, signal.SIGQUIT}:
        pass


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop when it is installed, else asyncio's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    uvloop: Any = importlib.import_module("uvloop")
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
