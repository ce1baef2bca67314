"""Another dialect's messages as turns this API accepts: order, merging, and what may not stand where.

user and assistant alternate, beginning with user; text is never blank; system text stands in front, or, with models that
accept it, between a user turn and an assistant turn; thinking that its author cannot verify is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from attrs import define, evolve, field

from llmgate_core.dialect import Losses
from llmgate_core.errors import InvalidRequest
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

from .checks import NAME
from .models import Capabilities
from .write_blocks import is_blank

MINIMAL: Final = "."
_ECHOED: Final = frozenset(
    {
        *("provider_specific_fields", "annotations", "reasoning_content", "reasoning", "reasoning_details"),
        *("thinking_blocks", "function_call", "refusal", "audio", "id", "index", "token_ids", "images"),
    }
)


@define
class Turn:
    """One turn on the wire. ``at`` is the client's message it began with, for error texts."""

    role: Literal["user", "assistant", "system"]
    blocks: list[Block] = field(factory=list)
    at: int = 0

    @property
    def path(self) -> str:
        """Where the client wrote it."""
        return f"messages[{self.at}]"


def arrange(messages: Sequence[Message], able: Capabilities, losses: Losses) -> tuple[list[Block], list[Turn]]:
    """Messages → what goes into ``system``, and the turns. Raises :class:`InvalidRequest` for a prefill the model refuses."""
    front: list[Block] = []
    turns: list[Turn] = []
    for turn in _cleaned(messages, losses):
        if turn.role == "system" and (not turns or not able.mid_system):
            front += turn.blocks
        else:
            turns.append(turn)
    turns = _merged(_placed(turns))
    if not turns or turns[0].role == "assistant":
        turns.insert(0, Turn("user", [Text(MINIMAL)]))
    for turn in turns:
        if turn.role == "user":
            turn.blocks.sort(key=lambda block: not isinstance(block, ToolResult))  # stable: results first, order kept
    _check_prefill(turns, able)
    return front, turns


def unverifiable(block: Block) -> bool:
    """Thinking that this provider did not sign: it would be refused."""
    if isinstance(block, Thinking):
        return not block.signature or block.dialect not in (NAME, None)
    return isinstance(block, RedactedThinking) and block.dialect not in (NAME, None)


def _cleaned(messages: Iterable[Message], losses: Losses) -> Iterable[Turn]:
    for at, message in enumerate(messages):
        for name, value in message.extra.items():
            if value and name not in _ECHOED:
                losses.add(f"messages[{at}].{name}", f"has no counterpart in {NAME}")
        blocks = [block for block in message.content if not (is_blank(block) or unverifiable(block))]
        if message.role in ("system", "developer"):
            yield Turn("system", blocks, at)
        elif message.role == "assistant":
            if blocks:
                yield Turn("assistant", _in_order(blocks), at)
        else:
            yield Turn("user", blocks or [Text(MINIMAL)], at)


def _in_order(blocks: list[Block]) -> list[Block]:
    """Thinking, then text, then tool calls; but blocks of this dialect's own server tools keep everything in place."""
    if any(isinstance(block, Opaque) for block in blocks):
        return blocks
    return sorted(blocks, key=_rank)


def _rank(block: Block) -> int:
    if isinstance(block, (Thinking, RedactedThinking)):
        return 0
    return 2 if isinstance(block, ToolCall) else 1


def _placed(turns: list[Turn]) -> list[Turn]:
    """System turns moved to where they may stand; those that end the conversation become user text."""
    placed: list[Turn] = []
    waiting: list[Turn] = []
    for turn in turns:
        if turn.role == "system":
            waiting.append(turn)
            continue
        if turn.role == "assistant" and placed and placed[-1].role == "user":
            placed += waiting
            waiting = []
        placed.append(turn)
    return [*placed, *(evolve(turn, role="user") for turn in waiting)]


def _merged(turns: list[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1].blocks += turn.blocks
        elif turn.blocks:
            merged.append(Turn(turn.role, list(turn.blocks), turn.at))
    return merged


def _check_prefill(turns: list[Turn], able: Capabilities) -> None:
    last = turns[-1]
    if last.role != "assistant" or any(isinstance(block, ToolCall) for block in last.blocks):
        return  # a call without a result has an error of its own
    if not able.prefill:
        raise InvalidRequest(
            f"{last.path}: this model does not continue an assistant message; end with a user message",
            code="prefill_not_supported",
            param=last.path,
        )
    text = last.blocks[-1]
    if isinstance(text, (Text, Refusal)):
        last.blocks[-1] = evolve(text, text=text.text.rstrip())
