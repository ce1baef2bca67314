"""Lines on their way out of the event loop: collected there, written by a thread, dropped and counted when it cannot keep up."""

from __future__ import annotations

import asyncio
import logging
import threading
from queue import SimpleQueue
from typing import Final

from .outputs import Output

logger: Final = logging.getLogger(__name__)
COLLECT_FOR: Final = 0.1
"""Seconds for which lines are collected before the thread is woken: once per batch, not once per request."""
GRACE: Final = 5.0
"""Seconds that the last lines may take when the gateway stops."""


class LineWriter:
    """Takes lines in the event loop without ever waiting. ``max_pending`` bounds the bytes that wait for the output."""

    def __init__(self, output: Output, max_pending: int) -> None:
        self._output = output
        self._max_pending = max_pending
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

    def write(self, line: bytes) -> None:
        """Take one line, or drop it when too much is waiting."""
        if self._accepted - self._settled + len(line) > self._max_pending:
            self.dropped += 1
            return
        self._accepted += len(line)
        self._lines.append(line)
        if self._timer is None:
            self._timer = self._loop.call_later(COLLECT_FOR, self._hand_over)

    async def close(self) -> None:
        """Write what is left, within the grace time, and end the thread."""
        if self._timer is not None:
            self._timer.cancel()
        self._hand_over()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join, GRACE)
        if self._thread.is_alive():
            waiting = self._accepted - self._settled
            logger.error("the access log's output takes nothing; %d bytes of it are lost", waiting)

    def _hand_over(self) -> None:
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
