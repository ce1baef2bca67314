"""Canonical messages → the wire's.

From another dialect, tool results may stand inside a user's turn, and hold pictures. Here each result is a message of role
``tool`` that directly follows the calls and holds text only. So within one run of turns that are not the assistant's, all
results come first; then their pictures and files as a user's message; then what the user said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmgate_core.messages import (
    Block,
    Message,
    Opaque,
    Text,
    ToolResult,
)

from .carry import Carry
from .parts import folded, write_part
from .write_assistant import write_assistant

ERROR_MARK = "Error: "  # the wire has no flag for a result that is an error: the model must still see it
# of other dialects: names a tool for the model to load; there is nothing of it to show here
_POINTERS = frozenset({"tool_reference"})

Numbered = tuple[int, Message]


def write_messages(messages: Sequence[Message], carry: Carry) -> list[dict[str, Any]]:
    """All messages. Paths in losses count the turns without the system's, which other dialects keep apart.

    Turns of a run are written together; of this very dialect each stands alone: its order is the client's own.
    """
    own = carry.own
    written: list[dict[str, Any]] = []
    run: list[Numbered] = []
    number = 0
    for message in messages:
        role = message.role
        if role in ("user", "tool"):
            run.append((number, message))
            if not own:
                number += 1
                continue
            written += _run(run, carry)
            run = []
        else:
            if run:
                written += _run(run, carry)
                run = []
            written.append(_plain(message, role, own=own) or _outside(message, number, carry))
        if own or role == "assistant":
            number += 1
    if run:
        written += _run(run, carry)
    return written


def _plain(message: Message, role: str, *, own: bool) -> dict[str, Any] | None:
    """What most turns are: text and nothing else, written at once. None for any other."""
    if message.extra or message.name is not None:
        return None
    texts: list[str] = []
    for block in message.content:
        if type(block) is not Text or block.extra or (own and block.cache_control is not None):
            return None
        texts.append(block.text)
    if len(texts) == 1:
        return {"role": role, "content": texts[0]}
    if not texts or (role == "assistant" and not own):
        return {"role": role, "content": "".join(texts)}
    return {"role": role, "content": [{"type": "text", "text": text} for text in texts]}


def _outside(message: Message, number: int, carry: Carry) -> dict[str, Any]:
    """A turn that belongs to no run: the assistant's, the system's, the developer's."""
    if message.role == "assistant":
        return write_assistant(message, f"messages[{number}]", carry)
    return _speech(message, message.content, f"messages[{number}]" if carry.own else "system", carry)


def _run(run: list[Numbered], carry: Carry) -> list[dict[str, Any]]:
    if len(run) == 1 and (plain := _plain(run[0][1], "user", own=carry.own)):
        return [plain]
    results: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []
    speech: list[dict[str, Any]] = []
    for number, message in run:
        said: list[Block] = []
        path = f"messages[{number}]"
        for place, block in enumerate(message.content):
            if isinstance(block, ToolResult):
                results.append(_result(block, message, f"{path}.content[{place}]", carry, media))
            else:
                said.append(block)
        if said or len(said) == len(message.content):
            speech.append(_speech(message, said, path, carry, "user"))
    if media and speech:
        held = speech[0]["content"]
        speech[0]["content"] = media + ([{"type": "text", "text": held}] if isinstance(held, str) else held)
    elif media:
        speech = [{"role": "user", "content": media}]
    return results + speech


def _result(
    result: ToolResult, message: Message, path: str, carry: Carry, media: list[dict[str, Any]]
) -> dict[str, Any]:
    """One ``tool`` message; what is not text goes to ``media``, but within this dialect stays where it was."""
    texts: list[dict[str, Any]] = []
    for place, block in enumerate(result.content):
        if isinstance(block, Opaque) and block.type in _POINTERS:
            continue
        part = write_part(block, f"{path}.content[{place}]", carry)
        if part is not None:
            (texts if carry.own or part["type"] == "text" else media).append(part)
    if result.is_error:
        texts.insert(0, {"type": "text", "text": ERROR_MARK})
        if len(texts) > 1 and set(texts[1]) == {"type", "text"}:
            texts[:2] = [{"type": "text", "text": ERROR_MARK + texts[1]["text"]}]
    written: dict[str, Any] = {
        "role": "tool",
        "tool_call_id": carry.call_id(result.call_id),
        "content": folded(texts),
    }
    if message.name is not None:
        written["name"] = message.name
    carry.complete(written, path, result.extra, result.cache_control)
    return carry.complete(written, path, message.extra)


def _speech(message: Message, blocks: Sequence[Block], path: str, carry: Carry, role: str = "") -> dict[str, Any]:
    """A message of the system, the developer or the user."""
    parts = [write_part(block, f"{path}.content[{place}]", carry) for place, block in enumerate(blocks)]
    written: dict[str, Any] = {"role": role or message.role, "content": folded([part for part in parts if part])}
    if message.name is not None:
        written["name"] = message.name
    return carry.complete(written, path, message.extra)
