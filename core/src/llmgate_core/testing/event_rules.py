"""What every stream of canonical events must be, whoever made it: the rules of ``events``, checked."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, get_args

from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Ping, Start
from llmgate_core.messages import Audio, Block, FinishReason, Refusal, Text, Thinking, ToolCall

FITS: Final = MappingProxyType(
    {
        "text": Text,
        "citation": Text,
        "thinking": Thinking,
        "signature": Thinking,
        "arguments": ToolCall,
        "refusal": Refusal,
        "audio": Audio,
    }
)


def check_events(events: Iterable[Event]) -> list[Event]:
    """The events as a list, when they are well-formed; AssertionError with every broken rule otherwise.

    One :class:`Start` first (only :class:`Ping`, or a :class:`Failure` that ends it all, may precede); blocks numbered from 0 per
    choice, each started with empty text, fed with deltas that fit it, and stopped; one :class:`End` or :class:`Failure` last,
    an End with one finish for each choice.
    """
    rules = EventRules()
    found = list(events)
    for event in found:
        rules.see(event)
    rules.close()
    assert not rules.broken, "not a well-formed stream of events:\n  " + "\n  ".join(rules.broken)
    return found


class EventRules:
    """The state of one stream while it is checked. ``broken`` lists what was found."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self._count = 0
        self._started = False
        self._ended = False
        self._blocks: dict[int, list[Block]] = {}
        self._open: set[tuple[int, int]] = set()

    def see(self, event: Event) -> None:
        """The next event."""
        said = _Said(self.broken, f"event {self._count}: ")
        self._count += 1
        if isinstance(event, Ping):
            return
        if self._ended:
            said(f"{type(event).__name__} after the end")
        elif isinstance(event, Start):
            if self._started:
                said("a second Start")
            self._started = True
        elif not self._started and not isinstance(event, Failure):
            said(f"{type(event).__name__} before Start")
        self._see_inside(event, said)

    def _see_inside(self, event: Event, said: _Said) -> None:
        if isinstance(event, BlockStart):
            self._begin(event, said)
        elif isinstance(event, BlockDelta):
            self._grow(event, said)
        elif isinstance(event, BlockStop):
            if (event.choice, event.index) not in self._open:
                said(f"BlockStop of block {event.index} (choice {event.choice}), which is not open")
            self._open.discard((event.choice, event.index))
        elif isinstance(event, End):
            self._end(event, said)
        elif isinstance(event, Failure):
            self._ended = True

    def _begin(self, event: BlockStart, said: _Said) -> None:
        blocks = self._blocks.setdefault(event.choice, [])
        if event.index != len(blocks):
            said(f"BlockStart has index {event.index}; the next one of choice {event.choice} is {len(blocks)}")
        block = event.block
        text = block.arguments if isinstance(block, ToolCall) else getattr(block, "text", "")
        if text and isinstance(block, (Text, Thinking, Refusal, ToolCall)):
            said(f"BlockStart brings text ({text[:20]!r}); text comes in deltas")
        if isinstance(block, ToolCall) and not (block.id and block.name):
            said("a ToolCall begins without its id or its name")
        blocks.append(block)
        self._open.add((event.choice, event.index))

    def _grow(self, event: BlockDelta, said: _Said) -> None:
        if (event.choice, event.index) not in self._open:
            said(f"BlockDelta for block {event.index} (choice {event.choice}), which is not open")
            return
        block = self._blocks[event.choice][event.index]
        if event.kind not in FITS:
            said(f"BlockDelta of unknown kind {event.kind!r}")
        elif not isinstance(block, FITS[event.kind]):
            said(f"BlockDelta of kind {event.kind!r} in a {type(block).__name__} block")

    def _end(self, event: End, said: _Said) -> None:
        self._ended = True
        for choice, index in sorted(self._open):
            said(f"End while block {index} (choice {choice}) is open")
        choices = [finish.choice for finish in event.finishes]
        if len(set(choices)) != len(choices):
            said(f"End finishes a choice twice: {choices}")
        if missing := sorted(set(self._blocks) - set(choices)):
            said(f"End has no finish for choices {missing}")
        if not choices:
            said("End has no finish at all")
        for finish in event.finishes:
            if finish.reason not in get_args(FinishReason):
                said(f"unknown finish reason {finish.reason!r}")

    def close(self) -> None:
        """The stream is over."""
        if not self._ended:
            self.broken.append(f"after {self._count} events: neither End nor Failure")


class _Said:
    """Notes what is wrong, and where."""

    def __init__(self, broken: list[str], where: str) -> None:
        self._broken = broken
        self._where = where

    def __call__(self, text: str) -> None:
        self._broken.append(self._where + text)
