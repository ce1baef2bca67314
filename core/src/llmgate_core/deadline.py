"""When a request's work has to stop: its one deadline, or nobody waits for it any more.

One timer is cheaper than :func:`asyncio.timeout`, and it says whose time is up.
"""

from __future__ import annotations

import asyncio
import time

from .errors import DeadlineExceeded


class Deadline:
    """``with Deadline(at): …`` raises :class:`DeadlineExceeded` once ``time.monotonic()`` passes ``at``. Must run in a task."""

    __slots__ = ("_at", "_fired", "_task", "_timer")

    def __init__(self, at: float) -> None:
        self._at = at
        self._fired = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, self._at - time.monotonic()), self._expire)

    def _expire(self) -> None:
        self._fired = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._fired and self._task is not None and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise DeadlineExceeded("the request's time is up before a provider answered") from error


def is_cancelled() -> bool:
    """Whether the request in hand was cancelled, even if a plugin swallowed the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
