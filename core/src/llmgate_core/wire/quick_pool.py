"""The hot half of a pool: its idle connections. The rest is :class:`LeanPool`'s.

Has a compiled twin of the same name: what changes here, changes there.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lean_connection import LeanConnection


class QuickPool:
    """``now`` is the clock as of the last tick: what is counted in seconds needs no clock of its own."""

    def __init__(self, waiters: deque[asyncio.Future[None]], now: float, most_idle: float, most_age: float) -> None:
        self._idle: list[LeanConnection] = []
        self._waiters = waiters
        self._now = now
        self._most_idle = most_idle
        self._most_age = most_age

    @abstractmethod
    def drop(self, connection: LeanConnection) -> None:
        """Close a connection for good."""

    @abstractmethod
    def _wake_one(self) -> None:
        """There is room for one that waits."""

    def pick(self) -> LeanConnection | None:
        """An idle connection that is still good, the most recently used first."""
        now = self._now
        while self._idle:
            connection = self._idle.pop()
            idle, age = now - connection.idle_since, now - connection.born
            if connection.lost or idle > self._most_idle or age > self._most_age:
                self.drop(connection)
                continue
            return connection
        return None

    def give_back(self, connection: LeanConnection) -> None:
        """After a request: keep the connection when its answer was whole and it may be kept."""
        if connection.complete and connection.keep and not connection.lost and not connection.body:
            connection.reused = True
            connection.idle_since = self._now
            self._idle.append(connection)
            if self._waiters:
                self._wake_one()
        else:
            self.drop(connection)
