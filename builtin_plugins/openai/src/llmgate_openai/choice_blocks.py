"""The blocks of one streamed choice: deltas in, block events out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from llmgate_core.events import BlockDelta, BlockStart, BlockStop, DeltaKind, Event, Finish
from llmgate_core.messages import Audio, Block, RedactedThinking, Refusal, Source, Text, Thinking

from .fields import provider_fault
from .parts import read_part
from .tool_deltas import ToolDeltas
from .words import canonical_finish

_NOTHING_ELSE: Final = frozenset({"index", "delta", "finish_reason", "logprobs"})
_UNDERSTOOD: Final = frozenset(
    {
        "role",
        "content",
        "refusal",
        "reasoning",
        "reasoning_content",
        "thinking_blocks",
        "tool_calls",
        "function_call",
        "audio",
        "images",
    }
)


class ChoiceBlocks:
    """State of one choice. Text, thinking, refusal and audio follow one another; tool calls stay open until the end."""

    def __init__(self, number: int, seed: str, restore: Callable[[str], str]) -> None:
        self.number = number
        self.native: str | None = None
        self._matched: str | None = None
        self._next = 0
        self._kind = ""
        self._block = 0
        self._extra: dict[str, Any] = {}
        self._tools = ToolDeltas(number, seed, self._after_speech, restore)

    def in_text(self) -> bool:
        """Whether a block of text is open, and nothing waits to go along with its next piece."""
        return self._kind == "text" and not (self._extra or self._tools.waiting)

    def more(self, text: str) -> BlockDelta:
        """The next piece of the open text."""
        return BlockDelta(self._block, "text", text, self.number)

    def feed(self, choice: Mapping[str, Any]) -> list[Event]:
        """One entry of a chunk's ``choices``."""
        delta: Any = choice.get("delta")
        if self._kind == "text" and self._is_plain(choice, delta):
            return [BlockDelta(self._block, "text", delta["content"], self.number)]  # nearly all of a stream is this
        events: list[Event] = []
        delta = delta if isinstance(delta, dict) else {}
        self._keep_extra(choice, delta)
        self._think(delta, events)
        self._say("text", _text(delta.get("content")), events)
        self._say("refusal", _text(delta.get("refusal")), events)
        if "audio" in delta and isinstance(delta["audio"], dict):
            self._sound(delta["audio"], events)
        for image in _entries(delta, "images"):
            self._whole(read_part(image, "choices.delta.images", provider_fault), events)
        for entry in _entries(delta, "tool_calls"):
            self._tools.feed(entry, events)
        if isinstance(delta.get("function_call"), dict):
            self._tools.feed_function_call(delta["function_call"], events)
        # "" is what some servers say before the end
        self.native = _text(choice.get("finish_reason")) or self.native
        self._matched = _text(choice.get("stop_sequence")) or self._matched
        return events

    def _is_plain(self, choice: Mapping[str, Any], delta: Any) -> bool:
        """Whether a choice says one more piece of the open text, and nothing else at all."""
        return (
            type(delta) is dict
            and len(delta) == 1
            and type(delta.get("content")) is str
            and bool(delta["content"])
            and not (self._extra or self._tools.waiting)
            and _NOTHING_ELSE.issuperset(choice)
            and choice.get("finish_reason") is None
            and choice.get("logprobs") is None
        )

    def end(self, events: list[Event]) -> Finish:
        """The stream is over: close the blocks, and say why. (Not at the finish reason: some servers add to it.)"""
        self._tools.begin_waiting(events)
        self._close(events)
        self._tools.stop(events)
        reason = canonical_finish(self.native, called=self._tools.any)
        return Finish(reason, self.number, self.native, self._matched, self._extra)

    def _keep_extra(self, choice: Mapping[str, Any], delta: Mapping[str, Any]) -> None:
        """What has no canonical word goes along with the next delta, or with the finish."""
        for name, value in choice.items():
            if name not in ("index", "delta", "finish_reason", "stop_sequence") and value is not None:
                self._extra[name] = value
        for name, value in delta.items():
            if name not in _UNDERSTOOD and value is not None:
                self._extra.setdefault("delta", {})[name] = value

    def _take_extra(self) -> dict[str, Any]:
        extra, self._extra = self._extra, {}
        return extra

    def _after_speech(self, events: list[Event]) -> int:
        self._close(events)
        self._next += 1
        return self._next - 1

    def _close(self, events: list[Event]) -> None:
        if self._kind:
            events.append(BlockStop(self._block, self.number))
            self._kind = ""

    def _open(self, kind: str, block: Block, events: list[Event]) -> None:
        self._tools.begin_waiting(events)
        self._block = self._after_speech(events)
        self._kind = kind
        events.append(BlockStart(self._block, block, self.number))

    def _say(self, kind: DeltaKind, text: str, events: list[Event]) -> None:
        if not text:
            return
        if self._kind != kind or self._tools.waiting:
            self._open(kind, Text("") if kind == "text" else Refusal("") if kind == "refusal" else Thinking(""), events)
        events.append(BlockDelta(self._block, kind, text, self.number, self._take_extra()))

    def _think(self, delta: Mapping[str, Any], events: list[Event]) -> None:
        said = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
        self._say("thinking", said, events)
        for entry in _entries(delta, "thinking_blocks"):
            self._signed(entry, bool(said), events)

    def _signed(self, entry: Mapping[str, Any], repeated: bool, events: list[Event]) -> None:
        """An entry of ``thinking_blocks``: text that was not said as ``reasoning_content`` too, a signature, or both."""
        dialect = entry.get("dialect")
        dialect = dialect if isinstance(dialect, str) else None
        if entry.get("type") == "redacted_thinking":
            self._whole(RedactedThinking(_text(entry.get("data")), dialect), events)
            return
        signature = _text(entry.get("signature"))
        if self._kind != "thinking":
            self._open("thinking", Thinking("", dialect=dialect), events)
            repeated = False
        elif signature:
            repeated = True  # the end of the block that is open, with all its text once more
        if not repeated:
            self._say("thinking", _text(entry.get("thinking")), events)
        if signature:
            events.append(BlockDelta(self._block, "signature", signature, self.number, _signer(dialect)))
            self._close(events)

    def _sound(self, audio: Mapping[str, Any], events: list[Event]) -> None:
        rest = {name: value for name, value in audio.items() if name != "data" and value is not None}
        if self._kind != "audio":
            self._open("audio", Audio(Source("base64", ""), extra=rest), events)
            rest = {}
        if rest or audio.get("data"):
            events.append(BlockDelta(self._block, "audio", _text(audio.get("data")), self.number, rest))

    def _whole(self, block: Block, events: list[Event]) -> None:
        self._open("", block, events)
        events.append(BlockStop(self._block, self.number))


def _signer(dialect: str | None) -> dict[str, Any]:
    return {"dialect": dialect} if dialect else {}


def _entries(delta: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list, however odd the rest of it is."""
    found = delta.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str:
    """A string; of an array of parts, as some servers stream them, its text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""
