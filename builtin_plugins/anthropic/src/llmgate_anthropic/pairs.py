"""Tool calls and their results: each call exactly one result, in the turn right after it, under an id used once."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import Block, Text, ToolCall, ToolResult

from .turns import MINIMAL, Turn

_NO_RESULT: Final = "The tool gave no result."


def pair(turns: list[Turn], *, repair: bool) -> list[Turn]:
    """The turns with calls and results matched.

    A repeated result: the last one counts. A repeated id: within a turn the first call counts, in a later turn the call
    gets an id of its own. Raises :class:`InvalidRequest` for a result without its call or a call without its result; with
    ``repair`` the first is left out and the second gets a result that says so.
    """
    used: set[str] = set()
    done: list[Turn] = []
    calls: dict[str, str] = {}
    for turn in turns:
        if turn.role == "system":
            done.append(turn)
            continue
        if turn.role == "assistant":
            done += _answer_all(calls, done, repair)
            blocks, calls = _unique_calls(turn.blocks, used)
        else:
            blocks = _results(turn, calls, repair)
            calls = {}
        if blocks:
            done.append(evolve(turn, blocks=blocks))
    return done + _answer_all(calls, done, repair)


def _unique_calls(blocks: list[Block], used: set[str]) -> tuple[list[Block], dict[str, str]]:
    """The blocks with ids used once, and the turn's calls: the client's id → the one on the wire."""
    calls: dict[str, str] = {}
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, ToolCall):
            if block.id in calls:
                continue
            unique = block.id
            number = 2
            while unique in used:
                unique = f"{block.id}_{number}"
                number += 1
            used.add(unique)
            calls[block.id] = unique
            kept.append(evolve(block, id=unique))
        else:
            kept.append(block)
    return kept, calls


def _results(turn: Turn, calls: dict[str, str], repair: bool) -> list[Block]:
    """A user turn with exactly one result for each call before it, results first."""
    results: dict[str, Block] = {}
    others: list[Block] = []
    for block in turn.blocks:
        if not isinstance(block, ToolResult):
            others.append(block)
        elif block.call_id in calls:
            results[block.call_id] = evolve(block, call_id=calls[block.call_id])
        elif not repair:
            raise InvalidRequest(
                f"{turn.path}: the result for tool call {block.call_id!r} does not follow an assistant message with that "
                "call; send the call, or leave the result out",
                code="orphan_tool_result",
                param=turn.path,
            )
    for call_id, unique in calls.items():
        if call_id not in results:
            results[call_id] = _missing(call_id, unique, turn.path, repair)
    return [*results.values(), *others] or [Text(MINIMAL)]


def _answer_all(calls: dict[str, str], done: list[Turn], repair: bool) -> list[Turn]:
    """A turn of made-up results, when calls were left without the turn that should answer them."""
    if not calls:
        return []
    blocks = [_missing(call_id, unique, done[-1].path, repair) for call_id, unique in calls.items()]
    return [Turn("user", blocks, done[-1].at)]


def _missing(call_id: str, unique: str, path: str, repair: bool) -> Block:
    if not repair:
        raise InvalidRequest(
            f"{path}: tool call {call_id!r} has no result in the messages right after it; send one for every call",
            code="missing_tool_result",
            param=path,
        )
    return ToolResult(unique, (Text(_NO_RESULT),), is_error=True)
