"""Streams: events written for a client, read from a provider, and watched when they are relayed."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import msgspec

from llmgate_core import Summary, Usage
from llmgate_core.assembly import merged
from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Start
from llmgate_core.frames import FrameKind, parse_sse
from llmgate_core.messages import Text, ToolCall
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse

from .codec import tokens_of, usage_of
from .wire import MALFORMED, Call, Frame, Problem


class Writer:
    """Canonical events → frames. A call is written when it is whole."""

    def __init__(self) -> None:
        self._usage: Usage | None = None
        self._calls: dict[int, ToolCall] = {}

    def write(self, event: Event) -> bytes:
        """The frame for an event, or nothing."""
        frame = self._frame(event)
        return b"" if frame is None else frame.as_bytes()

    def _frame(self, event: Event) -> Frame | None:
        match event:
            case Start():
                self._usage = event.usage
                return Frame(id=event.id, model=event.model)
            case BlockStart(block=ToolCall() as call):
                self._calls[event.index] = call
            case BlockDelta(kind="text" | "refusal") if event.text:
                return Frame(text=event.text)
            case BlockDelta(kind="arguments"):
                call = self._calls[event.index]
                self._calls[event.index] = attrs.evolve(call, arguments=call.arguments + event.text)
            case BlockStop(index=index) if index in self._calls:
                call = self._calls.pop(index)
                return Frame(call=Call(call.id, call.name, call.arguments))
            case End():
                tokens = tokens_of(merged(self._usage, event.usage))
                return Frame(end=event.finishes[0].reason, tokens=tokens)
            case Failure():
                return Frame(error=Problem.of(event.error))
        return None


class Reader:
    """Frames → canonical events, each block begun and stopped as the rules of events ask."""

    def __init__(self) -> None:
        self._started = False
        self._over = False
        self._blocks = 0
        self._in_text = False

    def read(self, frame: bytes) -> Iterator[Event]:
        """The events of one raw frame. Raises UpstreamBadResponse."""
        sse = parse_sse(frame)
        if sse is None or self._over:
            return
        try:
            told = msgspec.json.decode(sse.data, type=Frame)
        except MALFORMED as error:
            raise UpstreamBadResponse(f"the provider's stream cannot be read: {error}") from None
        if told.error is not None:
            self._over = True
            problem = told.error.as_provider_error()
            yield Failure(reject(told.error.status, problem, provider="upstream"))
            return
        yield from self._start(told)
        yield from self._content(told)
        if told.end is not None:
            self._over = True
            yield from self._stop_text()
            yield End((Finish(told.end),), usage_of(told.tokens))

    def close(self) -> Iterator[Event]:
        """The provider closed the stream: without an end, that is a failure."""
        if not self._over:
            self._over = True
            yield Failure(StreamInterrupted("the stream ended before its end"))

    def _start(self, told: Frame) -> Iterator[Event]:
        if self._started:
            return
        if not (told.id and told.model):
            raise UpstreamBadResponse("the provider's stream does not begin with id and model")
        self._started = True
        yield Start(told.id, told.model)

    def _content(self, told: Frame) -> Iterator[Event]:
        if told.text:
            if not self._in_text:
                self._in_text = True
                yield BlockStart(self._blocks, Text(""))
            yield BlockDelta(self._blocks, "text", told.text)
        if told.call is not None:
            yield from self._stop_text()
            yield BlockStart(self._blocks, ToolCall(told.call.id, told.call.name, ""))
            yield BlockDelta(self._blocks, "arguments", told.call.arguments)
            yield BlockStop(self._blocks)
            self._blocks += 1

    def _stop_text(self) -> Iterator[Event]:
        if self._in_text:
            self._in_text = False
            yield BlockStop(self._blocks)
            self._blocks += 1


class Probe:
    """Reads along with a relayed stream, as far as the core needs to know."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.error: GatewayError | None = None
        self.complete = False
        self._reader = Reader()

    def see(self, frame: bytes) -> FrameKind:
        """What a frame is. Raises UpstreamBadResponse."""
        kind = FrameKind.IDLE
        for event in self._reader.read(frame):
            match event:
                case Start():
                    self.summary.model = event.model
                    kind = FrameKind.LIFECYCLE
                case BlockDelta():
                    kind = FrameKind.CONTENT
                case End():
                    self.summary.usage = event.usage
                    self.summary.finish_reason = event.finishes[0].reason
                    self.complete = True
                    kind = FrameKind.LAST
                case Failure():
                    self.error = event.error
                    kind = FrameKind.ERROR
        return kind
