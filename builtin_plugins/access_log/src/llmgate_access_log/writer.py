"""Lines on their way out of the event loop: collected there, written by a thread, dropped and counted when it cannot keep up."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from .outputs import Output

logger: Final = logging.getLogger(__name__)
COLLECT_FOR: Final = 0.1
"""Seconds for which lines are collected before the thread is woken: once per batch, not once per request."""
GRACE: Final = 5.0
"""Seconds that the last lines may take when the gateway stops."""


class LineWriter:
    """Takes lines in the event loop without ever waiting. ``max_pending`` bounds the bytes that wait for the output.

    ``late`` is asked for lines that were not worth making one by one, each time before lines are handed to the thread.
    """

    def __init__(self, output: Output, max_pending: int, late: Callable[[], bytes] = bytes) -> None:
        self._output = output
        self._max_pending = max_pending
        self._late = late
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._batches: SimpleQueue[bytes | None] = SimpleQueue()
        self._accepted = 0  # bytes; written by the loop alone
        self._settled = 0  # bytes; written by the thread alone
        self._loop = asyncio.get_running_loop()
        self.dropped = 0
        self.failed = 0
        self._thread = threading.Thread(target=self._run, name="llmgate access log", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Take whole lines, and drop those for which too much is waiting."""
        room = self._max_pending - (self._accepted - self._settled)
        if len(lines) > room:
            whole = lines.rfind(b"\n", 0, max(room, 0)) + 1
            self.dropped += lines.count(b"\n", whole)
            lines = lines[:whole]
        if lines:
            self._accepted += len(lines)
            self._lines.append(lines)
            self.soon()

    def soon(self) -> None:
        """See to it that what waits is handed over."""
        if self._timer is None:
            self._timer = self._loop.call_later(COLLECT_FOR, self._hand_over)

    async def close(self) -> None:
        """Write what is left, within the grace time, and end the thread."""
        self._hand_over()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join, GRACE)
        if self._thread.is_alive():
            waiting = self._accepted - self._settled
            logger.error("the access log's output takes nothing; %d bytes of it are lost", waiting)

    def _hand_over(self) -> None:
        self.write(self._late())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._batches.put(b"".join(self._lines))
            self._lines.clear()

    def _run(self) -> None:
        """The thread: writes batches until it is told to end. A failing output costs lines, never the thread."""
        broken = False
        while (batch := self._batches.get()) is not None:
            try:
                self._output.write(batch)
                broken = False
            except OSError as error:
                self.failed += batch.count(b"\n")
                if not broken:
                    logger.error("the access log cannot be written: %s; lines are lost until it can", error)  # noqa: TRY400  # a full disk needs no traceback
                broken = True
            self._settled += len(batch)
        self._output.close()
