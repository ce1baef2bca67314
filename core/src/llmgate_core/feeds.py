"""A streamed answer as bytes for the client, pulled piece by piece: relayed, translated, or made in process.

    RawFeed      same dialect on both sides: whole frames, untouched
    EventFeed    canonical events, from a provider's wire (WireEvents) or from this process (LocalEvents)

A feed never waits without a limit, never reads ahead (so a slow client slows the provider), and gives what it has before it
raises. ``content`` turns True with the first piece that commits the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from .assembly import merged
from .chains import CompiledHook
from .dialect import Dialect, EventWriter, StreamProbe
from .errors import GatewayError
from .events import BlockDelta, BlockStart, End, Event, Failure, Start
from .exchange import Exchange
from .frames import FrameKind
from .hooks import run
from .messages import Audio, File, Image, Opaque, RedactedThinking, ToolCall
from .request import Request
from .upstream import Reply
from .upstream_errors import StreamInterrupted, UpstreamDisconnected, UpstreamError
from .wirevalues import Summary, WireRequest

logger = logging.getLogger("llmgate")
_LAST_BYTES: Final = 0.1
_CONTENT: Final = FrameKind.CONTENT  # a member looked up on its Enum costs ten times a name
_CONTENT_BLOCKS: Final = (ToolCall, RedactedThinking, Opaque, Image, Audio, File)


class Feed(Protocol):
    """What the hold-back and the relay pull from."""

    content: bool

    @property
    def summary(self) -> Summary:
        """Usage and finish reason as far as they are known."""

    async def next(self, timeout: float) -> bytes | None:
        """The next bytes (maybe none yet: ``b""``), None after the last. Raises TimeoutError (nothing is lost: call
        again), or the :class:`GatewayError` that ends the stream.
        """

    async def close(self) -> None:
        """Give the provider up, wherever it is."""


class RawFeed:
    """Relays whole frames. What follows the end marker is ignored; a frame cut short never reaches the client."""

    def __init__(self, reply: Reply, dialect: Dialect, request: Request) -> None:
        self.content = False
        self._reply = reply
        self._framer = dialect.framer()
        self._probe: StreamProbe = dialect.probe(request)
        self._end_marker = dialect.end_marker
        self._last = False
        self._error: GatewayError | None = None

    @property
    def summary(self) -> Summary:
        """What the probe has seen."""
        return self._probe.summary

    async def next(self, timeout: float) -> bytes | None:
        """See :class:`Feed`."""
        if self._error is not None:
            raise self._error
        if self._last:
            return None
        try:
            data = await self._reply.chunk(timeout)
        except UpstreamDisconnected:
            data = b""
        if not data:
            return self._ended()
        try:
            frames = self._framer.feed(data)
            # The usual case on the way: one frame, more text. Everything else is looked at piece by piece.
            if len(frames) == 1 and self.content:
                kind = self._probe.see(frames[0])
                return frames[0] if kind is _CONTENT else self._passed(frames[0], kind)
            return self._relay(frames)
        except GatewayError as error:
            self._error = error
            return b""

    def _relay(self, frames: list[bytes]) -> bytes:
        """What the client gets of several frames: all up to the one that ends the stream, in whatever way."""
        passed: list[bytes] = []
        for frame in frames:
            try:
                passed.append(self._passed(frame, self._probe.see(frame)))
            except GatewayError as error:
                self._error = error
            if self._error is not None or self._last:
                break
        return b"".join(passed)

    def _passed(self, frame: bytes, kind: FrameKind) -> bytes:
        if kind is _CONTENT:
            self.content = True
        elif kind is FrameKind.LAST:
            self._last = True
        elif kind is FrameKind.DROP:
            return b""
        elif kind is FrameKind.ERROR:
            self._error = self._probe.error or StreamInterrupted("the provider reported an error")
            return b""
        return frame

    def _ended(self) -> bytes:
        self._last = True
        if not self._probe.complete:
            raise StreamInterrupted("the provider's stream ended before its end marker")
        return self._end_marker

    async def close(self) -> None:
        """See :class:`Feed`."""
        await _give_back(self._reply, self._last)


async def _give_back(reply: Reply, complete: bool) -> None:
    """After a complete stream only the end of the body is to come: read it, so that the connection can serve again.

    A client that leaves while it is awaited cancels the wait; the connection must not stay taken.
    """
    try:
        if complete:
            with suppress(TimeoutError, UpstreamError):
                await reply.chunk(_LAST_BYTES)
    finally:
        reply.close()


class EventSource(Protocol):
    """Canonical events in batches."""

    async def next(self, timeout: float) -> Sequence[Event] | None:
        """The next events, None after the last. Raises like :meth:`Feed.next`."""

    async def close(self, complete: bool) -> None:
        """Give the provider up; ``complete`` when its last event was seen."""


class WireEvents:
    """A provider's stream, decoded."""

    def __init__(self, reply: Reply, dialect: Dialect, wire: WireRequest) -> None:
        self._reply = reply
        self._framer = dialect.framer()
        self._reader = dialect.event_reader(wire)
        self._closed = False

    async def next(self, timeout: float) -> Sequence[Event] | None:
        """See :class:`EventSource`."""
        if self._closed:
            return None
        try:
            data = await self._reply.chunk(timeout)
        except UpstreamDisconnected:
            data = b""
        if data:
            return [event for frame in self._framer.feed(data) for event in self._read(frame)]
        self._closed = True
        return list(self._reader.close())

    def _read(self, frame: bytes) -> Sequence[Event]:
        try:
            return list(self._reader.read(frame))
        except GatewayError as error:
            return [Failure(error)]

    async def close(self, complete: bool) -> None:
        """See :class:`EventSource`."""
        await _give_back(self._reply, complete)


class LocalEvents:
    """The events of a provider in this process. A wait that times out goes on in the background: nothing is lost."""

    def __init__(self, events: AsyncIterator[Event], provider: str) -> None:
        self._events = events
        self._provider = provider
        self._pending: asyncio.Future[Event] | None = None

    async def next(self, timeout: float) -> Sequence[Event] | None:
        """See :class:`EventSource`."""
        pending = self._pending or asyncio.ensure_future(anext(self._events))
        self._pending = pending
        done, _ = await asyncio.wait((pending,), timeout=max(0.0, timeout))
        if not done:
            raise TimeoutError
        self._pending = None
        try:
            return (pending.result(),)
        except StopAsyncIteration:
            return None
        except GatewayError:
            raise
        except Exception as error:
            logger.error("provider %r failed", self._provider, exc_info=error)  # noqa: TRY400  # the same, without a second name
            raise UpstreamError(f"provider {self._provider!r} failed: {type(error).__name__}") from error

    async def close(self, complete: bool) -> None:
        """See :class:`EventSource`."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        if isinstance(self._events, AsyncGenerator):
            await asyncio.ensure_future(self._events.aclose())  # in a task, as all else that the provider does


class GivenEvents:
    """Events that are all there already."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events: Sequence[Event] | None = events

    async def next(self, timeout: float) -> Sequence[Event] | None:
        """See :class:`EventSource`."""
        events, self._events = self._events, None
        return events

    async def close(self, complete: bool) -> None:
        """See :class:`EventSource`."""


class EventFeed:
    """Canonical events, through the plugins, into the client's dialect."""

    def __init__(
        self, source: EventSource, writer: EventWriter, exchange: Exchange, transform: CompiledHook | None
    ) -> None:
        self.content = False
        self._summary = Summary()
        self._source = source
        self._writer = writer
        self._exchange = exchange
        self._transform = transform
        self._waiting: deque[Event] = deque()
        self._ended = False
        self._complete = False

    @property
    def summary(self) -> Summary:
        """What the events told."""
        return self._summary

    async def next(self, timeout: float) -> bytes | None:
        """See :class:`Feed`."""
        if self._ended:
            return None
        if not self._waiting:
            events = await self._source.next(timeout)
            if events is None:
                self._ended = True
                raise StreamInterrupted("the provider's stream ended before its end marker")
            self._waiting.extend(events)
        if len(self._waiting) == 1 and self._transform is None and type(self._waiting[0]) is BlockDelta:
            delta = self._waiting.popleft()
            self._note(delta)
            return self._writer.write(delta)
        written: list[bytes] = []
        while self._waiting and not self._ended:
            if isinstance(self._waiting[0], Failure):
                if written:
                    break
                self._ended = True
                raise self._waiting[0].error
            event: Event = self._waiting.popleft()
            if self._transform is not None:
                event = await run(self._transform, self._exchange, event)
            self._note(event)
            written.append(self._writer.write(event))
        return b"".join(written)

    def _note(self, event: Event) -> None:
        if isinstance(event, BlockDelta):
            self.content = self.content or bool(event.text)
        elif isinstance(event, BlockStart):
            self.content = self.content or isinstance(event.block, _CONTENT_BLOCKS)
        elif isinstance(event, Start):
            self._summary.usage = event.usage
            self._summary.model = event.model
        elif isinstance(event, End):
            self._ended = self._complete = True
            self._summary.usage = merged(self._summary.usage, event.usage)
            if event.finishes:
                self._summary.finish_reason = event.finishes[0].reason

    async def close(self) -> None:
        """See :class:`Feed`."""
        await self._source.close(self._complete)
