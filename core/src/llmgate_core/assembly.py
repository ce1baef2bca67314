"""Between a whole answer and its events: both ways, so that every plugin, cache and provider may work in either form."""

from __future__ import annotations

from typing import Any

import attrs

from .decisions import EMPTY
from .events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Start
from .messages import Audio, Block, ChatResponse, Choice, Message, Refusal, Text, Thinking, ToolCall
from .upstream_errors import StreamInterrupted
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
        self._blocks: dict[int, dict[int, Block]] = {}
        self._logprobs: dict[int, Any] = {}

    def add(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, BlockDelta):
            blocks = self._blocks[event.choice]
            blocks[event.index] = _extended(blocks[event.index], event)
            if "logprobs" in event.extra:
                self._logprobs[event.choice] = _joined(self._logprobs.get(event.choice), event.extra["logprobs"])
        elif isinstance(event, BlockStart):
            self._blocks.setdefault(event.choice, {})[event.index] = event.block
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
        message = Message("assistant", tuple(blocks[index] for index in sorted(blocks)))
        logprobs = self._logprobs.get(finish.choice)
        return Choice(
            message, finish.reason, finish.choice, finish.native, finish.stop_sequence, logprobs, finish.extra
        )


def _extended(block: Block, delta: BlockDelta) -> Block:
    if isinstance(block, (Text, Refusal, Thinking)) and delta.kind in {"text", "refusal", "thinking"}:
        return attrs.evolve(block, text=block.text + delta.text)
    if isinstance(block, ToolCall) and delta.kind == "arguments":
        return attrs.evolve(block, arguments=block.arguments + delta.text)
    if isinstance(block, Thinking) and delta.kind == "signature":
        return attrs.evolve(block, signature=(block.signature or "") + delta.text)
    if isinstance(block, Text) and delta.kind == "citation":
        citations = [*block.extra.get("citations", ()), delta.extra.get("citation")]
        return attrs.evolve(block, extra={**block.extra, "citations": citations})
    if isinstance(block, Audio) and delta.kind == "audio":
        source = attrs.evolve(block.source, value=block.source.value + delta.text)
        return attrs.evolve(block, source=source, extra={**block.extra, **delta.extra})
    return block


def _joined(have: Any, new: Any) -> Any:
    """Token log probabilities are lists by name (``content``, ``refusal``): appended."""
    if not isinstance(have, dict) or not isinstance(new, dict):
        return new if have is None else have
    return {
        name: [*(have.get(name) or []), *(new.get(name) or [])] if have.get(name) or new.get(name) else None
        for name in {**have, **new}
    }


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
