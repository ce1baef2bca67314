"""A request's deadline, for what a plugin waits for: all that the core itself waits for is bounded where it waits."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from .errors import DeadlineExceeded

TICK: Final = 0.05
"""Seconds that a deadline may be late: one timer looks at all of them. One for each would cost more than a plugin's hook."""


class Clock:
    """Watches the deadlines that are being kept. It ticks as long as there are any."""

    __slots__ = ("_kept", "_ticking")

    def __init__(self) -> None:
        self._kept: set[Deadline] = set()
        self._ticking = False

    def keep(self, deadline: Deadline) -> None:
        """Watch one more."""
        self._kept.add(deadline)
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(TICK, self._tick)

    def let_go(self, deadline: Deadline) -> None:
        """Watch it no more."""
        self._kept.discard(deadline)

    def _tick(self) -> None:
        now = monotonic()
        for deadline in tuple(self._kept):
            deadline.look(now)
        self._ticking = bool(self._kept)
        if self._ticking:
            asyncio.get_running_loop().call_later(TICK, self._tick)


class Deadline:
    """``with Deadline(clock, at): …`` raises :class:`DeadlineExceeded` once ``time.monotonic()`` passes ``at``, at most ``TICK``
    late. Must run in a task.
    """

    __slots__ = ("_at", "_clock", "_over", "_task")

    def __init__(self, clock: Clock, at: float) -> None:
        self._clock = clock
        self._at = at
        self._over = False
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._clock.keep(self)

    def look(self, now: float) -> None:
        """End what is past its time, once."""
        if now >= self._at and not self._over and self._task is not None:
            self._over = True
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._clock.let_go(self)
        if self._over and self._task is not None and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise DeadlineExceeded("the request's time is up before a provider answered") from error


def is_cancelled() -> bool:
    """Whether the request in hand was cancelled, even if a plugin swallowed the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
