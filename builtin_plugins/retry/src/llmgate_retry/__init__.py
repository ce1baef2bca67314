"""Tries a target again when that may help: back-off with full jitter, within what the provider asks for and a budget."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Final

from llmgate_core import Attempt, Exchange, Gauge, Plugin, Retry, Target

from .budget import Budgets
from .config import RetryConfig
from .rules import Rules

__all__ = ("RetryConfig", "RetryPlugin")

STATE: Final = "retry"
# 2 ** n is only taken up to here: the cap has long been reached, and a float must not overflow
MOST_DOUBLINGS: Final = 30


class RetryPlugin(Plugin):
    """Decides whether and when; the core sleeps, and repeats nothing that must not be repeated."""

    config_class = RetryConfig

    def __init__(
        self,
        config: RetryConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] | None = None,
    ) -> None:
        self._settings = config or RetryConfig()
        super().__init__(self._settings)
        self._clock = clock
        self._rng = rng or random.Random().random
        self._rules = Rules.of(self._settings)
        self._budgets = Budgets(self._settings, clock)
        self._requests = self._budgets.requests

    def llmgate_on_error(self, exchange: Exchange, error: Exception) -> Retry | None:
        """Retry(after), or None: not an error that passes, tries or budget used up, or the wait is too long."""
        target = exchange.attempt.target
        others = exchange.plan[-1:] != (target,)
        if not self._rules.may_pass(error, others=others):
            return None
        asked = getattr(error, "retry_after", None) or 0.0
        if asked > (self._settings.patience if others else self._settings.max_wait):
            return None
        retries = _retries(exchange)
        made = retries.get(target, 0)
        after = max(asked, self._jitter(made))
        if made >= self._settings.max_retries or self._clock() + after >= exchange.deadline:
            return None
        if not self._budgets.take(target.provider):
            return None
        retries[target] = made + 1
        return Retry(after)

    def llmgate_attempt_done(self, exchange: Exchange, attempt: Attempt) -> None:
        """A request's first attempt at a target earns that provider a share of a retry."""
        # Every request comes by here: it is only counted, and what it earned is reckoned when somebody asks.
        if attempt.number == 1 or _is_first(exchange, attempt):
            self._requests[attempt.provider.name] += 1

    def gauges(self) -> Iterable[Gauge]:
        """What is left of each provider's budget, and how often it was empty."""
        return (
            Gauge(
                "llmgate_retry_budget", "Retries a provider's budget still allows", ("provider",), self._budgets.left
            ),
            Gauge(
                "llmgate_retry_budget_exhausted",
                "Retries not made since the start because the budget was empty",
                ("provider",),
                self._budgets.refused,
            ),
        )

    def _jitter(self, retries: int) -> float:
        """Seconds from nothing to a doubling, capped roof: whoever failed together does not come back together."""
        return self._rng() * min(
            self._settings.max_delay, self._settings.base_delay * 2.0 ** min(retries, MOST_DOUBLINGS)
        )


def _retries(exchange: Exchange) -> dict[Target, int]:
    """How often this plugin has asked for each target again; other plugins' tries (another key) are not its own."""
    kept: dict[Target, int] = exchange.state.setdefault(STATE, {})
    return kept


def _is_first(exchange: Exchange, attempt: Attempt) -> bool:
    """Whether no earlier attempt of the exchange was at the same target."""
    return all(earlier.target != attempt.target for earlier in exchange.attempts[: attempt.number - 1])
