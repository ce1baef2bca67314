"""What is written in one turn of the event loop goes out together at its end.

Each write to a connection whose other side sleeps wakes it, and waking costs more than the write itself, most of all across
cores and in virtual machines. Written one after the other, the same bytes wake it once. A turn that serves one request loses
nothing; one that serves many sends the first answer no later than the last one is made.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any, Final, cast

from ..native import native

logger: Final = logging.getLogger("llmgate")
_SMALL: Final = 16 * 1024
_SILENCE: Final = 0.0003
"""Seconds: some ten times what a request costs. Who is asked that seldom has nothing to gather."""


class Outbox:
    """For all connections of one side. What belongs to one connection stays in order.

    What is written after a silence goes out at once: where requests come one by one, none waits for what is done after its
    answer.
    """

    __slots__ = ("_in_turn", "_loop", "_turn_ended", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Any, bytes]] = []
        self._in_turn = False
        self._turn_ended = 0.0

    def write(self, transport: Any, data: bytes) -> None:
        """Send ``data`` at the end of this turn; much of it now, so that a transport that is full says so at once."""
        if len(data) > _SMALL:
            self.flush()
            transport.write(data)
            return
        if not self._in_turn:
            self._loop.call_soon(self._end_turn)
            self._in_turn = True
            if monotonic() - self._turn_ended > _SILENCE:
                _send(transport, data)
                return
        self._waiting.append((transport, data))

    def _end_turn(self) -> None:
        try:
            self.flush()
        finally:
            self._in_turn = bool(self._waiting)
            if self._in_turn:  # something was written by who was written to
                self._loop.call_soon(self._end_turn)
            else:
                self._turn_ended = monotonic()

    def flush(self) -> None:
        """Send what waits, now: whoever is about to close a transport, or to give it away, asks for it."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for transport, data in waiting:
                _send(transport, data)


def _send(transport: Any, data: bytes) -> None:
    try:
        if not transport.is_closing():
            transport.write(data)
    except Exception as error:  # noqa: BLE001  # one connection's trouble is not the others'
        _give_up(transport, error)


def _give_up(transport: Any, error: BaseException) -> None:
    logger.error("a connection takes no more bytes and is given up", exc_info=error)
    transport.abort()


def make_outbox(loop: asyncio.AbstractEventLoop) -> Outbox:
    """An outbox, compiled where that is to be had."""
    return Outbox(loop) if native is None else cast("Outbox", native.Outbox(loop, _give_up))
