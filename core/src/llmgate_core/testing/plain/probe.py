"""What each frame of a relayed plain stream is."""

from __future__ import annotations

from llmgate_core.assembly import merged
from llmgate_core.dialect import EventReader
from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, BlockStart, End, Event, Failure, Ping, Start
from llmgate_core.frames import FrameKind
from llmgate_core.messages import Refusal, Text, Thinking
from llmgate_core.wirevalues import Summary


class PlainProbe:
    """Decodes every frame: this dialect is for tests, not for speed."""

    def __init__(self, reader: EventReader) -> None:
        self.summary = Summary()
        self.error: GatewayError | None = None
        self.complete = False
        self._reader = reader

    def see(self, frame: bytes) -> FrameKind:
        """See :class:`~llmgate_core.dialect.StreamProbe`."""
        kind = FrameKind.IDLE
        for event in self._reader.read(frame):
            kind = self._see(event)
        return kind

    def _see(self, event: Event) -> FrameKind:
        if isinstance(event, Failure):
            self.error = event.error
            return FrameKind.ERROR
        if isinstance(event, (Start, End)):
            self.summary.usage = merged(self.summary.usage, event.usage)
        if isinstance(event, Start):
            self.summary.model = event.model
        if isinstance(event, End):
            self.complete = True
            self.summary.finish_reason = event.finishes[0].reason if event.finishes else None
            return FrameKind.LAST
        if isinstance(event, Ping):
            return FrameKind.IDLE
        told = isinstance(event, BlockDelta) or (
            isinstance(event, BlockStart) and not isinstance(event.block, (Text, Thinking, Refusal))
        )
        return FrameKind.CONTENT if told else FrameKind.LIFECYCLE
