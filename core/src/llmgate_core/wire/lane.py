"""What the connections of one server share: the gateway in service, the two lanes, and the watch over slow clients."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from email.utils import formatdate
from typing import TYPE_CHECKING

from ..gateway import Gateway
from ..routes import Match
from .busy_poll import BusyPoll
from .lean_head import LeanHead
from .outbox import make_outbox
from .slow import TOO_SLOW, SlowLimits

if TYPE_CHECKING:
    from .lean_server import LeanProtocol
    from .protocol import FullLane


class Serving:
    """A gateway and the number of requests it is answering. ``busy_poll`` is told of their beginnings and ends."""

    __slots__ = ("_empty", "busy_poll", "gateway", "requests")

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.requests = 0
        seconds = gateway.config.gateway.busy_poll
        self.busy_poll = BusyPoll(asyncio.get_running_loop(), seconds) if seconds else None
        self._empty: asyncio.Event | None = None

    def __enter__(self) -> Gateway:
        self.requests += 1
        if self.busy_poll is not None:
            self.busy_poll.extend()
        return self.gateway

    def __exit__(self, *_: object) -> None:
        self.left()

    def left(self) -> None:
        """A request is over."""
        self.requests -= 1
        if self.busy_poll is not None:
            self.busy_poll.extend()
        if self._empty is not None and not self.requests:
            self._empty.set()

    async def idle(self) -> None:
        """Wait until no request is being answered."""
        while self.requests:
            self._empty = self._empty or asyncio.Event()
            self._empty.clear()
            await self._empty.wait()


class Lane:
    """Shared by all connections of a server."""

    __slots__ = (
        "_full",
        "_timer",
        "context",
        "date_and_server",
        "draining",
        "lean",
        "loop",
        "outbox",
        "serving",
        "slow",
        "use_lean",
    )

    def __init__(self, serving: Serving, *, lean: bool = True, slow: SlowLimits | None = None) -> None:
        self.serving = serving
        self._full: FullLane | None = None
        self.use_lean = lean
        self.slow = slow or SlowLimits()
        self.loop = asyncio.get_running_loop()
        self.context = copy_context()
        self.outbox = make_outbox(self.loop)
        self.lean: set[LeanProtocol] = set()
        self.draining = False
        self.date_and_server = ""
        self._timer: asyncio.TimerHandle | None = None
        self._watch()

    def full_lane(self) -> FullLane:
        """What makes aiohttp's connection handlers; imported when a connection first needs it."""
        if self._full is None:
            from .full import make_full_lane

            self._full = make_full_lane(self)
        return self._full

    def match(self, head: LeanHead) -> Match | None:
        """The dialect's route for a head, None when the full lane must look at it."""
        gateway = self.serving.gateway
        kind = head.headers.get("content-type", "")
        if not self.use_lean or not (kind == "application/json" or kind.startswith("application/json;")):
            return None
        if head.length > gateway.config.gateway.max_body:
            return None
        return gateway.intake.routes.lean(head.path)

    def _watch(self) -> None:
        """With each tick: close what is too slow or idle, and set the clock that answers carry."""
        now = self.loop.time()
        self.date_and_server = f"date: {formatdate(usegmt=True)}\r\nserver: llmgate"
        grace = self.serving.gateway.config.gateway.body_timeout
        for connection in list(self.lean):
            _watch_lean(connection, now, grace, self.slow)
        if self._full is not None:
            for full in self._full.ours:
                full.watch(now, self.slow)
        self._timer = self.loop.call_later(self.slow.tick, self._watch)

    def drain(self) -> None:
        """Take no further requests; connections that have none close now."""
        self.draining = True
        self.outbox.flush()
        for connection in list(self.lean):
            if not connection.busy:
                connection.transport.close()
        if self._full is not None:
            self._full.pre_shutdown()

    async def stop(self) -> None:
        """End what is left."""
        for connection in list(self.lean):
            connection.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._full is not None:
            await self._full.shutdown(timeout=0.5)


def _watch_lean(connection: LeanProtocol, now: float, grace: float, slow: SlowLimits) -> None:
    waited = now - connection.since
    if connection.busy:
        if connection.paused_since is not None and now - connection.paused_since > slow.stuck:
            connection.transport.abort()
    elif connection.transport.is_closing():
        if waited > slow.stuck:
            connection.transport.abort()  # the last bytes of an answer that nobody takes
    elif connection.waits_for_body:
        if waited > grace + connection.received / slow.body_rate:
            _too_slow(connection, now)
    elif connection.received:
        if waited > slow.head:
            _too_slow(connection, now)
    elif waited > (slow.idle if connection.served else slow.head):
        connection.since = now
        connection.transport.close()


def _too_slow(connection: LeanProtocol, now: float) -> None:
    connection.since = now
    connection.transport.write(TOO_SLOW)
    connection.transport.close()
