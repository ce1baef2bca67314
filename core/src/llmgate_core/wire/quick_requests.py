"""The hot half of a client's connection: a request whose head is known. The rest is :class:`LeanProtocol`'s.

Has a compiled twin of the same name: what changes here, changes there.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Final

import msgspec

from ..exchange import Head
from ..routes import Match

if TYPE_CHECKING:
    from .lane import Lane, Serving

_LONGEST_LENGTH: Final = 8


class Known(msgspec.Struct):
    """A head that came over this connection. SDKs repeat all of it but the body's length, which stands between the two parts.

    ``may_wait``: a request may wait for more than futures, and must run in a task.
    """

    before: bytes
    after: bytes
    head: Head
    match: Match
    close: bool
    longest: int
    serving: Serving
    may_wait: bool


class QuickRequests:
    """Takes in requests, and starts serving those that are whole."""

    __slots__ = ("_buffer", "_known", "_lane", "_pending", "_task", "closing", "since")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._buffer = b""
        self._known: Known | None = None
        self._pending: Known | None = None
        self._task: asyncio.Task[None] | None = None
        self.closing = False
        self.since = 0.0

    @abstractmethod
    def _begin(self, known: Known, length: int, data: bytes, at: int) -> None:
        """A head has come; its body, ``length`` bytes, begins ``at`` in ``data`` and is not all there, or more is."""

    @abstractmethod
    def _take(self, data: bytes | memoryview) -> None:
        """More of a body that is awaited."""

    @abstractmethod
    def _patiently(self, data: bytes) -> None:
        """Anything else."""

    @abstractmethod
    def _serve(self, known: Known, body: bytes) -> Coroutine[None, None, None]:
        """Answer a request."""

    def data_received(self, data: bytes) -> None:
        """Bytes of this request, or, early, of the next. The usual case stands here whole: one request, with a known head."""
        if self._pending is not None:
            self._take(data)
            return
        if not self._buffer:
            self.since = self._lane.loop.time()
            known = self._known
            usual = known is not None and self._task is None and known.serving is self._lane.serving
            if known is not None and usual and data.startswith(known.before):
                begin = len(known.before)
                end = data.find(b"\r", begin, begin + _LONGEST_LENGTH + 1)
                length = data[begin:end]
                if data.startswith(known.after, end) and length.isdigit() and (size := int(length)) <= known.longest:
                    begin = end + len(known.after)
                    if begin + size == len(data):
                        self._start(known, data[begin:])
                    else:
                        self._begin(known, size, data, begin)
                    return
        self._patiently(data)

    def _start(self, known: Known, body: bytes) -> None:
        """A request is whole: serve it in a task of its own."""
        lane = self._lane
        if known.close or lane.draining:
            self.closing = True
        # not the context of whoever calls: with pipelined requests that is the request before
        self._task = lane.loop.create_task(self._serve(known, body), context=lane.context.copy())
