"""Between a whole answer and its events: both ways, so that every plugin, cache and provider may work in either form."""

from __future__ import annotations

from typing import Any

import attrs

from .decisions import EMPTY
from .events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Start
from .messages import Audio, Block, ChatResponse, Choice, Message, Refusal, Text, Thinking, ToolCall
from .upstream_errors import StreamInterrupted, UpstreamBadResponse
from .usage import Usage


def events_of(response: ChatResponse) -> list[Event]:
    """The stream that would have given ``response``: one delta per block."""
    events: list[Event] = [Start(response.id, response.model, response.created, None, response.extra)]
    for choice in response.choices:
        for index, block in enumerate(choice.message.content):
            empty, deltas = _taken_apart(index, block, choice)
            events += [BlockStart(index, empty, choice.index), *deltas, BlockStop(index, choice.index)]
    finishes = tuple(
        Finish(choice.finish_reason, choice.index, choice.native_finish, choice.stop_sequence, choice.extra)
        for choice in response.choices
    )
    events.append(End(finishes, response.usage))
    return events


def _taken_apart(index: int, block: Block, choice: Choice) -> tuple[Block, list[BlockDelta]]:
    at = choice.index
    if isinstance(block, Text):
        extra = EMPTY if choice.logprobs is None else {"logprobs": choice.logprobs}
        return attrs.evolve(block, text=""), [BlockDelta(index, "text", block.text, at, extra)] if block.text else []
    if isinstance(block, Refusal):
        return attrs.evolve(block, text=""), [BlockDelta(index, "refusal", block.text, at)]
    if isinstance(block, ToolCall):
        deltas = [BlockDelta(index, "arguments", block.arguments, at)] if block.arguments else []
        return attrs.evolve(block, arguments=""), deltas
    if isinstance(block, Thinking):
        deltas = [BlockDelta(index, "thinking", block.text, at)] if block.text else []
        if block.signature is not None:
            deltas.append(BlockDelta(index, "signature", block.signature, at))
        return attrs.evolve(block, text="", signature=None), deltas
    return block, []


class Assembler:
    """Collects a stream's events into the whole answer. One per stream.

    :meth:`add` each event; :meth:`response` gives the answer once :class:`End` was added. Raises what :class:`Failure` holds.
    """

    def __init__(self) -> None:
        self._start = Start("", "")
        self._end: End | None = None
        self._blocks: dict[int, dict[int, _Parts]] = {}
        self._logprobs: dict[int, list[Any]] = {}

    def add(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, BlockDelta):
            parts = self._blocks.get(event.choice, {}).get(event.index)
            if parts is None:
                raise UpstreamBadResponse("the provider's stream goes on with a block that did not begin")
            parts.deltas.append(event)
            if event.extra and event.extra.get("logprobs") is not None:
                self._logprobs.setdefault(event.choice, []).append(event.extra["logprobs"])
        elif isinstance(event, BlockStart):
            self._blocks.setdefault(event.choice, {})[event.index] = _Parts(event.block)
        elif isinstance(event, Start):
            self._start = event
        elif isinstance(event, End):
            self._end = event
        elif isinstance(event, Failure):
            raise event.error

    def response(self, dialect: str = "") -> ChatResponse:
        """The whole answer. Raises :class:`StreamInterrupted` when the end never came."""
        if self._end is None:
            raise StreamInterrupted("the provider's stream ended before its end marker")
        start = self._start
        return ChatResponse(
            id=start.id,
            model=start.model,
            choices=tuple(self._choice(finish) for finish in self._end.finishes),
            usage=merged(start.usage, self._end.usage),
            created=start.created,
            dialect=dialect,
            extra={**start.extra, **self._end.extra},
        )

    def _choice(self, finish: Finish) -> Choice:
        blocks = self._blocks.get(finish.choice, {})
        message = Message("assistant", tuple(blocks[index].whole() for index in sorted(blocks)))
        logprobs = _joined(self._logprobs.get(finish.choice, []))
        return Choice(
            message, finish.reason, finish.choice, finish.native, finish.stop_sequence, logprobs, finish.extra
        )


class _Parts:
    """A block as it began, and its deltas: put together once, so that a long answer costs no more than its length."""

    __slots__ = ("_block", "deltas")

    def __init__(self, block: Block) -> None:
        self._block = block
        self.deltas: list[BlockDelta] = []

    def whole(self) -> Block:
        """The complete block."""
        block = self._block
        if isinstance(block, (Text, Refusal)):
            return self._with_citations(attrs.evolve(block, text=block.text + self._joined("text", "refusal")))
        if isinstance(block, Thinking):
            signature = (block.signature or "") + self._joined("signature")
            text = block.text + self._joined("thinking", "text")
            return attrs.evolve(block, text=text, signature=signature if self._has("signature") else block.signature)
        if isinstance(block, ToolCall):
            return attrs.evolve(block, arguments=block.arguments + self._joined("arguments"))
        if isinstance(block, Audio):
            source = attrs.evolve(block.source, value=block.source.value + self._joined("audio"))
            extra = {name: value for delta in self.deltas for name, value in delta.extra.items()}
            return attrs.evolve(block, source=source, extra={**block.extra, **extra} if extra else block.extra)
        return block

    def _with_citations(self, block: Text | Refusal) -> Block:
        told = [delta.extra.get("citation") for delta in self.deltas if delta.kind == "citation"]
        return (
            attrs.evolve(block, extra={**block.extra, "citations": [*block.extra.get("citations", ()), *told]})
            if told
            else block
        )

    def _joined(self, *kinds: str) -> str:
        return "".join(delta.text for delta in self.deltas if delta.kind in kinds)

    def _has(self, kind: str) -> bool:
        return any(delta.kind == kind for delta in self.deltas)


def _joined(told: list[Any]) -> Any:
    """Token log probabilities are lists by name (``content``, ``refusal``): appended. Of any other shape the first counts."""
    if not told or not isinstance(told[0], dict):
        return told[0] if told else None
    tables = [one for one in told if isinstance(one, dict)]
    names = dict.fromkeys(name for one in tables for name in one)
    return {name: [item for one in tables for item in one.get(name) or ()] or None for name in names}


def merged(first: Usage | None, last: Usage | None) -> Usage | None:
    """Usage told in parts: what came later wins, but never a nothing over a something."""
    if first is None or last is None:
        return last or first
    told = {
        field.name: value
        for field in attrs.fields(Usage)
        if (value := getattr(last, field.name)) is not None and value != field.default
    }
    return attrs.evolve(first, **told)
