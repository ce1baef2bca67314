"""Another dialect's conversation of nothing but text, with turns as this API wants them: most are, and are written at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmgate_core.messages import Message, Text

Written = list[dict[str, Any]]


def usual_turns(messages: Sequence[Message]) -> tuple[Written, Written] | None:
    """What goes into ``system``, and the turns. None when something must be moved, merged, mended or reported.

    The system's text stands in front, user and assistant alternate from user to user, and nothing is blank.
    """
    system: Written = []
    turns: Written = []
    expected = "user"
    for message in messages:
        blocks = None if message.extra else _texts(message)
        if blocks is None:
            return None
        role = message.role
        if role == expected and blocks:
            turns.append({"role": role, "content": blocks})
            expected = "assistant" if role == "user" else "user"
        elif role in ("system", "developer") and not turns:
            system += blocks
        else:
            return None
    return (system, turns) if expected == "assistant" else None


def _texts(message: Message) -> Written | None:
    blocks: Written = []
    for block in message.content:
        if type(block) is not Text or block.extra:
            return None
        text = block.text
        if not text or text.isspace():
            return None
        written: dict[str, Any] = {"type": "text", "text": text}
        if block.cache_control is not None:
            written["cache_control"] = dict(block.cache_control)
        blocks.append(written)
    return blocks
