"""The budget of retries of each provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core import Exchange, ProviderError, Target
from llmgate_core.rejections import reject
from llmgate_retry import RetryPlugin

Make = Callable[..., RetryPlugin]
Fail = Callable[..., Exchange]
DOWN = reject(503, ProviderError("down"), provider="a")


def readings(plugin: RetryPlugin) -> dict[str, dict[str, float]]:
    """The gauges: by name, then by provider."""
    return {gauge.name: {labels[0]: value for labels, value in gauge.read()} for gauge in plugin.gauges()}


def granted(plugin: RetryPlugin, failed: Fail, plan: str, requests: int) -> int:
    """How many of so many failing requests are tried again."""
    return sum(plugin.llmgate_on_error(failed(plan), DOWN) is not None for _ in range(requests))


def test_a_budget_ends(make: Make, failed: Fail) -> None:
    """What is kept is spent once; each provider has its own; the gauges tell."""
    plugin = make(budget_burst=3, budget_per_second=0)
    assert granted(plugin, failed, "a/x", 5) == 3
    assert granted(plugin, failed, "b/x", 1) == 1
    assert readings(plugin) == {
        "llmgate_retry_budget": {"a": 0.0, "b": 2.0},
        "llmgate_retry_budget_exhausted": {"a": 2.0, "b": 0.0},
    }


def test_requests_earn_a_share(make: Make, failed: Fail) -> None:
    """Ten first attempts earn two retries at 20 %; a second attempt at the same target earns nothing."""
    plugin = make(budget_burst=10, budget_per_second=0, budget_ratio=0.2)
    assert granted(plugin, failed, "a/x", 20) == 10
    for _ in range(10):
        exchange = failed("a/x")
        plugin.llmgate_attempt_done(exchange, exchange.attempt)
    assert readings(plugin)["llmgate_retry_budget"]["a"] == pytest.approx(2.0)


def test_a_repeated_attempt_earns_nothing(make: Make, failed: Fail, again: Callable[..., None]) -> None:
    """Only the first attempt at a target is a request to it."""
    plugin, exchange = make(budget_burst=10, budget_per_second=0), failed("a/x", "b/x")
    assert granted(plugin, failed, "a/x", 10) == granted(plugin, failed, "b/x", 10) == 10
    for target in (Target("a", "x"), Target("b", "x")):
        again(exchange, target)
        plugin.llmgate_attempt_done(exchange, exchange.attempt)
    assert readings(plugin)["llmgate_retry_budget"] == {"a": 0.0, "b": pytest.approx(0.2)}


def test_time_earns_too_up_to_the_most(make: Make, failed: Fail, clock: Any) -> None:
    """So that a provider with little traffic can be tried again."""
    plugin = make(budget_burst=10, budget_per_second=2)
    assert granted(plugin, failed, "a/x", 10) == 10
    clock.now += 1.5
    assert granted(plugin, failed, "a/x", 10) == 3
    clock.now += 1000
    assert readings(plugin)["llmgate_retry_budget"]["a"] == 10.0


def test_f84_an_outage_does_not_multiply_the_load(make: Make, failed: Fail, clock: Any) -> None:
    """Ten thousand requests in ten seconds, all failing: attempts stay within the budget."""
    plugin = make()
    attempts = 0
    for _ in range(10_000):
        clock.now += 0.001
        exchange = failed("a/x")
        exchange.deadline = clock.now + 60
        attempts += 1
        while plugin.llmgate_on_error(exchange, DOWN) is not None:
            attempts += 1
        plugin.llmgate_attempt_done(exchange, exchange.attempt)
    assert 12_000 <= attempts <= 12_201


def test_a_wait_that_is_too_long_costs_no_budget(make: Make, failed: Fail) -> None:
    """Only retries that are made are paid for."""
    plugin = make(budget_burst=1, budget_per_second=0)
    long = reject(503, ProviderError("down"), provider="a", retry_after=1000.0)
    assert plugin.llmgate_on_error(failed("a/x"), long) is None
    assert granted(plugin, failed, "a/x", 1) == 1


def test_two_plugins_share_nothing(make: Make, failed: Fail) -> None:
    """Each gateway has its own budgets."""
    one, two = make(budget_burst=1, budget_per_second=0), make(budget_burst=1, budget_per_second=0)
    assert granted(one, failed, "a/x", 2) == 1
    assert granted(two, failed, "a/x", 2) == 1
