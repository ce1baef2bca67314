"""Accepts connections, many at a wake-up.

The event loop's own servers take one connection per turn of the loop; when the turns are long (hundreds of streams), whoever
connects in a crowd would wait in the kernel's queue for seconds.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("llmgate")
BACKLOG: Final = 1024
_BURST: Final = 64
_PAUSE: Final = 0.5
"""Seconds to wait when the process can open no more files."""


class Listener:
    """Gives each accepted connection a protocol of its own."""

    def __init__(self, sock: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._factory = factory
        self._taking: set[asyncio.Task[None]] = set()
        self._paused: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._loop.add_reader(sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_BURST):
            try:
                connection, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.warning("no connection can be accepted now: %s", error.strerror)
                self._loop.remove_reader(self._sock.fileno())
                self._paused = self._loop.call_later(_PAUSE, self._go_on)
                return
            task = self._loop.create_task(self._take(connection))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    def _go_on(self) -> None:
        self._paused = None
        self._loop.add_reader(self._sock.fileno(), self._accept)

    async def _take(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._factory, connection)
        except OSError:  # the client was gone before it was greeted
            connection.close()

    async def close(self) -> None:
        """Accept no more. What was accepted already still gets its protocol. A second time nothing happens."""
        if self._paused is not None:
            self._paused.cancel()
        elif self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        if self._taking:
            await asyncio.wait(self._taking)
