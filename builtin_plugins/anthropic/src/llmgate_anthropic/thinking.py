"""How much the model may think: words, budgets and modes, for the generation that gets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from llmgate_core.dialect import Losses
from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import Reasoning, RedactedThinking, Thinking, ToolCall

from .models import Capabilities
from .turns import Turn

LEAST_BUDGET: Final = 1024
_WORDS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")
_BUDGETS: Final[Mapping[str, int]] = MappingProxyType(
    {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 49_152}
)


@frozen
class Plan:
    """What to write: the ``thinking`` object and ``output_config.effort``; None leaves each out."""

    thinking: dict[str, Any] | None = None
    effort: str | None = None

    @property
    def on(self) -> bool:
        """Whether the request asks for thinking."""
        return self.thinking is not None and self.thinking["type"] in ("enabled", "adaptive")


NO_PLAN: Final = Plan()


def own_plan(reasoning: Reasoning | None) -> Plan:
    """What a request of this dialect said."""
    if reasoning is None:
        return NO_PLAN
    thinking: dict[str, Any] = {"type": reasoning.mode} if reasoning.mode else {}
    if reasoning.budget_tokens is not None:
        thinking["budget_tokens"] = reasoning.budget_tokens
    thinking.update(reasoning.extra)
    return Plan(thinking if "type" in thinking else None, reasoning.effort)


def plan(reasoning: Reasoning | None, able: Capabilities, max_tokens: int, turns: list[Turn], losses: Losses) -> Plan:
    """What another dialect's wish comes to. Raises :class:`InvalidRequest` for an effort that is no word."""
    if reasoning is None:
        return NO_PLAN
    word = _word(reasoning)
    if word is None:
        return NO_PLAN
    if word == "none":
        return _off(able, losses)
    if able.thinking == "none":
        losses.add("reasoning_effort", "this model does not think before it answers")
        return NO_PLAN
    # A wish for a summary is a wish to see the thinking, which newer models leave out unless asked.
    budget = max(0, reasoning.budget_tokens or 0)  # some dialects say -1 for "as you see fit"
    display = {"display": "summarized"} if reasoning.extra.get("summary") else {}
    if able.thinking == "adaptive":
        effort = _nearest(word, able.efforts) if reasoning.effort or budget else None
        return Plan({"type": "adaptive", **display}, effort)
    return _budgeted(budget or _BUDGETS[word], max_tokens, turns, display)


def _word(reasoning: Reasoning) -> str | None:
    """The wish in one word; ``none`` switches thinking off, None leaves it to the model."""
    if reasoning.effort is not None:
        if reasoning.effort != "none" and reasoning.effort not in _WORDS:
            raise InvalidRequest(
                f"reasoning_effort: {reasoning.effort!r} is none of none, {', '.join(_WORDS)}", param="reasoning_effort"
            )
        return reasoning.effort
    if reasoning.mode == "disabled" or reasoning.budget_tokens == 0:
        return "none"
    if reasoning.budget_tokens is not None and reasoning.budget_tokens > 0:
        return next((word for word in _WORDS if reasoning.budget_tokens <= _BUDGETS[word]), "max")
    return None if reasoning.mode is None else "medium"


def _off(able: Capabilities, losses: Losses) -> Plan:
    if able.off == "never":
        losses.add("reasoning_effort", "this model always thinks; ask for 'low', or choose another model")
        return NO_PLAN
    return Plan() if able.off == "omit" else Plan({"type": able.off})


def _nearest(word: str, efforts: tuple[str, ...]) -> str:
    """The word itself, or the nearest lower one that the model knows; the lowest for what is lower still."""
    wanted = _WORDS.index(word)
    return max((effort for effort in efforts if _WORDS.index(effort) <= wanted), key=_WORDS.index, default=efforts[0])


def _budgeted(budget: int, max_tokens: int, turns: list[Turn], display: dict[str, str]) -> Plan:
    """A budget that leaves room for an answer below ``max_tokens``; no thinking when not even the least one fits."""
    if max_tokens <= LEAST_BUDGET or _unthought_calls(turns):
        return NO_PLAN
    room = max(LEAST_BUDGET, max_tokens - LEAST_BUDGET)
    return Plan({"type": "enabled", "budget_tokens": max(LEAST_BUDGET, min(budget, room)), **display})


def _unthought_calls(turns: Iterable[Turn]) -> bool:
    """Tool calls in the history, and no thinking anywhere: a budgeted request with them is refused."""
    blocks = [block for turn in turns if turn.role == "assistant" for block in turn.blocks]
    return any(isinstance(block, ToolCall) for block in blocks) and not any(
        isinstance(block, (Thinking, RedactedThinking)) for block in blocks
    )
