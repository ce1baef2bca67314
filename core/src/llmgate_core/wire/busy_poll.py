"""Busy polling: stay awake for a moment after a request, since the next bytes may come sooner than a sleeping core wakes.

A process that sleeps in ``epoll_wait`` lets its core sleep too; waking it costs tens of microseconds (more inside a virtual
machine), and caches are cold after it. While this polls, the event loop never sleeps: it costs all of one core and saves that.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from time import monotonic


class BusyPoll:
    """Keeps a loop from sleeping until ``seconds`` after the last :meth:`extend`."""

    __slots__ = ("_context", "_loop", "_polling", "_seconds", "_until")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._context = copy_context()  # not the request's that just ended: it would live as long as this polls
        self._until = 0.0
        self._polling = False

    def extend(self) -> None:
        """Something has come or gone out: more may be about to."""
        self._until = monotonic() + self._seconds
        if not self._polling:
            self._polling = True
            self._loop.call_soon(self._again, context=self._context)

    def _again(self) -> None:
        """One turn of the loop. What is to be called in the next one keeps it from waiting for sockets in this one."""
        if monotonic() < self._until:
            self._loop.call_soon(self._again, context=self._context)
        else:
            self._polling = False
