"""What requests earn is reckoned when somebody asks: with the same outcome as when each is reckoned at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmgate_core import Exchange, ProviderError
from llmgate_core.rejections import reject
from llmgate_retry import RetryPlugin

Make = Callable[..., RetryPlugin]
Fail = Callable[..., Exchange]
DOWN = reject(503, ProviderError("down"), provider="a")
RATIO, PER_SECOND, BURST = 0.25, 0.5, 4.0  # sums of these are exact


class AtOnce:
    """The budget as the README tells it, every step reckoned when it happens."""

    def __init__(self) -> None:
        self.left = BURST

    def add(self, share: float) -> None:
        """Up to the most."""
        self.left = min(BURST, self.left + share)

    def take(self) -> bool:
        """One retry."""
        granted = self.left >= 1.0
        self.left -= 1.0 * granted
        return granted


STEPS = st.lists(st.sampled_from(["works", "works", "works", "fails", "fails", "second", "read"]), max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the fixtures are factories, they keep nothing
@given(steps=STEPS)
def test_the_outcome_is_that_of_reckoning_at_once(make: Make, failed: Fail, clock: Any, steps: list[str]) -> None:
    """In any order of requests that work, requests that fail, time, and readings of the gauge."""
    plugin, model = make(budget_ratio=RATIO, budget_per_second=PER_SECOND, budget_burst=BURST, max_retries=99), AtOnce()
    for step in steps:
        exchange = failed("a/x")
        exchange.deadline = clock.now + 60.0
        if step == "works":
            plugin.llmgate_attempt_done(exchange, exchange.attempt)
            model.add(RATIO)
        elif step == "fails":
            assert (plugin.llmgate_on_error(exchange, DOWN) is not None) is model.take()
        elif step == "second":
            clock.now += 1.0
            model.add(PER_SECOND)
        else:
            gauge = next(iter(plugin.gauges()))
            assert dict(gauge.read()).get(("a",), BURST) == model.left


def test_a_provider_that_only_works_is_told(make: Make, failed: Fail) -> None:
    """Its budget is full and was never empty, however much it has earned."""
    plugin = make(budget_burst=10)
    for _ in range(1000):
        exchange = failed("a/x")
        plugin.llmgate_attempt_done(exchange, exchange.attempt)
    left, refused = plugin.gauges()
    assert list(refused.read()) == [(("a",), 0.0)]
    assert list(left.read()) == [(("a",), 10.0)]
