"""Reasoning on assistant messages, both ways.

The API itself shows none; compatible servers call it ``reasoning_content`` or ``reasoning``. Going out it is always
``reasoning_content``. Signed and redacted blocks, which their provider wants back byte for byte, stand in ``thinking_blocks``:

    [{"type": "thinking", "thinking": …, "signature": …, "dialect": …}, {"type": "redacted_thinking", "data": …}]

A client that sends the message back as it got it thereby returns them; ``dialect`` (whose signature it is) may be absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmgate_core.messages import Block, RedactedThinking, Thinking

from .fields import Fields, merge

ThinkingBlock = Thinking | RedactedThinking


def read_thinking(message: Fields) -> list[Block]:
    """The message's thinking blocks. The plain text is taken only when there are none: it repeats what they say."""
    blocks: list[Block] = [_read_block(entry) for entry in message.objects("thinking_blocks")]
    said = [message.string(name) for name in ("reasoning_content", "reasoning")]
    text = said[0] or said[1]
    return [Thinking(text)] if text and not blocks else blocks


def _read_block(entry: Fields) -> ThinkingBlock:
    entry.take("index")  # our streams number them
    kind, dialect = entry.needed("type"), entry.string("dialect")
    if kind == "thinking":
        return Thinking(entry.string("thinking") or "", entry.string("signature") or None, dialect, entry.rest())
    if kind == "redacted_thinking":
        return RedactedThinking(entry.needed("data"), dialect, entry.rest())
    raise entry.wrong("type", "must be 'thinking' or 'redacted_thinking'")


def write_thinking(blocks: Iterable[ThinkingBlock]) -> dict[str, Any]:
    """The message's fields for these blocks; none for no blocks."""
    blocks = list(blocks)
    fields: dict[str, Any] = {}
    text = "".join(block.text for block in blocks if isinstance(block, Thinking))
    if text:
        fields["reasoning_content"] = text
    if any(isinstance(block, RedactedThinking) or block.signature or block.extra for block in blocks):
        fields["thinking_blocks"] = [write_block(block) for block in blocks]
    return fields


def write_block(block: ThinkingBlock) -> dict[str, Any]:
    """One entry of ``thinking_blocks``."""
    entry: dict[str, Any]
    if isinstance(block, Thinking):
        entry = {"type": "thinking", "thinking": block.text}
        if block.signature:
            entry["signature"] = block.signature
    else:
        entry = {"type": "redacted_thinking", "data": block.data}
    if block.dialect is not None:
        entry["dialect"] = block.dialect
    return merge(entry, block.extra)
