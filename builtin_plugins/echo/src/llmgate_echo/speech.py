"""A reply as events, word by word, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from llmgate_core import Usage
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, DeltaKind
from llmgate_core.messages import Refusal, Text, Thinking, ToolCall

from .reply import Reply, Spoken
from .words import count, pieces


def speak(reply: Reply, choices: range) -> Iterator[BlockStart | BlockDelta | BlockStop]:
    """Every choice says the same, one after the other."""
    for choice in choices:
        for index, block in enumerate(reply.blocks):
            text, empty, kind = _parts(block)
            yield BlockStart(index, empty, choice)
            for piece in pieces(text):
                yield BlockDelta(index, kind, piece, choice)
            yield BlockStop(index, choice)


def cost(reply: Reply, asked: int, choices: int) -> Usage:
    """Words are tokens. Choices are counted each, as providers do."""
    thought = sum(count(block.text) for block in reply.blocks if isinstance(block, Thinking))
    said = sum(count(_parts(block)[0]) for block in reply.blocks)
    return Usage(asked, said * choices, reasoning_tokens=thought * choices if thought else None)


def _parts(block: Spoken) -> tuple[str, Spoken, DeltaKind]:
    """A block's text, the block without it, and what a delta of it is called."""
    match block:
        case ToolCall():
            return block.arguments, evolve(block, arguments=""), "arguments"
        case Thinking():
            return block.text, evolve(block, text=""), "thinking"
        case Refusal():
            return block.text, evolve(block, text=""), "refusal"
        case Text():
            return block.text, evolve(block, text=""), "text"
