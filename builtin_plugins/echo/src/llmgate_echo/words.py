"""Words are the echo's tokens: counted the same way everywhere, so that usage can be foretold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from llmgate_core.messages import (
    Block,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

_PIECE: Final = re.compile(r"\s*\S+|\s+")


def pieces(text: str) -> list[str]:
    """The text cut before each word: joined again they are the text."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """How many words stand in a text."""
    return len(text.split())


def first_words(text: str, most: int) -> str:
    """The beginning of a text, at most so many words, its inner white space kept."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    return text if len(ends) <= most else text[: ends[most - 1]] if most else ""


def input_words(messages: Iterable[Message]) -> int:
    """Words of a whole conversation; whatever is not text counts as one."""
    return sum(_block_words(block) for message in messages for block in message.content)


def _block_words(block: Block) -> int:
    match block:
        case Text() | Thinking() | Refusal():
            return count(block.text)
        case ToolCall():
            return 1 + count(block.arguments)
        case ToolResult():
            return sum(_block_words(inner) for inner in block.content)
        case RedactedThinking() | Opaque():
            return 1
        case _:  # an image, a sound, a document
            return 1


def told(blocks: Iterable[Block]) -> str:
    """What blocks say, in words: text as it is, media by its kind (``[image]``)."""
    said: list[str] = []
    for block in blocks:
        match block:
            case Text():
                said.append(block.text)
            case ToolResult():
                said.append(told(block.content))
            case Thinking() | RedactedThinking() | ToolCall() | Refusal():
                continue
            case Opaque():
                said.append(f"[{block.type}]")
            case _:
                said.append(f"[{type(block).__name__.lower()}]")
    return " ".join(said)
