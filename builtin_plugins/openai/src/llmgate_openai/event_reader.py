"""A provider's stream → canonical events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from llmgate_core.events import End, Event, Failure, Ping, Start
from llmgate_core.frames import parse_sse
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse
from llmgate_core.usage import Usage

from .choice_blocks import ChoiceBlocks
from .chunks import DONE, decode_chunk
from .errors import rejection_within
from .text_chunks import text_of
from .usage import later, read_usage

# ``obfuscation`` is padding that hides lengths from eavesdroppers: it belongs to the bytes, not to the answer
_CANONICAL: Final = frozenset({"id", "model", "created", "choices", "usage", "obfuscation"})


class ChatEventReader:
    """One stream. The end waits for ``[DONE]`` or the close, because usage comes in a chunk after the finish reason."""

    def __init__(self, restore: Callable[[str], str]) -> None:
        self._restore = restore
        self._choices: dict[int, ChoiceBlocks] = {}
        self._start: dict[str, Any] | None = None
        self._seed = ""
        self._head: dict[str, Any] = {}
        self._late: dict[str, Any] = {}
        self._usage: Usage | None = None
        self._over = False

    def read(self, frame: bytes) -> Iterable[Event]:
        """The events of one frame. What follows the end is ignored."""
        if self._over:
            return ()
        first = self._choices.get(0)
        if first is not None and first.in_text() and self._start is not None and (text := text_of(frame, self._start)):
            return (first.more(text),)
        parsed = parse_sse(frame)
        if parsed is None:
            return (Ping(),) if self._start is not None else ()
        if parsed.data.strip() == DONE:
            return self._end()
        chunk = decode_chunk(parsed.data)
        if chunk.get("error") is not None:
            self._over = True
            return (Failure(rejection_within(chunk["error"])),)
        if chunk.get("usage") is not None:
            self._usage = later(self._usage, read_usage(chunk["usage"]))
        events: list[Event] = []
        self._keep_extra(chunk)
        choices = chunk.get("choices") or ()
        if not isinstance(choices, (list, tuple)):
            raise UpstreamBadResponse("the provider sent a stream frame whose choices are not an array")
        if choices and self._start is None:
            events.append(self._begin(chunk))
        for place, choice in enumerate(choices):
            if not isinstance(choice, dict):
                raise UpstreamBadResponse("the provider sent a stream frame with a choice that is not an object")
            events += self._choice(choice.get("index"), place).feed(choice)
            if choice.get("error") is not None:
                self._over = True
                return [*events, Failure(rejection_within(choice["error"]))]
        return events

    def close(self) -> Iterable[Event]:
        """The provider closed: a good end only when every choice had told its finish reason."""
        if self._over:
            return ()
        if self._choices and all(choice.native for choice in self._choices.values()):
            return self._end()
        self._over = True
        return (Failure(StreamInterrupted("the provider closed its stream before the answer was complete")),)

    def _begin(self, chunk: dict[str, Any]) -> Start:
        head = self._start = self._head
        answer_id, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
        self._seed = answer_id if isinstance(answer_id, str) else ""
        return Start(
            self._seed,
            model if isinstance(model, str) else "",
            int(created) if isinstance(created, (int, float)) else None,
            extra=head,
        )

    def _keep_extra(self, chunk: dict[str, Any]) -> None:
        """Fields of the chunk itself: those before the first choice go with the start, changed ones with the end."""
        for name, value in chunk.items():
            if name not in _CANONICAL and value is not None:
                if self._start is None:
                    self._head[name] = value
                elif self._start.get(name) != value:
                    self._late[name] = value

    def _choice(self, index: Any, place: int) -> ChoiceBlocks:
        number = index if type(index) is int else place
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = ChoiceBlocks(number, self._seed, self._restore)
        return choice

    def _end(self) -> Iterable[Event]:
        self._over = True
        if self._start is None:
            return (Failure(UpstreamBadResponse("the provider's stream held no answer")),)
        events: list[Event] = []
        try:
            finishes = tuple(self._choices[number].end(events) for number in sorted(self._choices))
        except UpstreamBadResponse as error:
            return (Failure(error),)
        return [*events, End(finishes, self._usage, self._late)]
