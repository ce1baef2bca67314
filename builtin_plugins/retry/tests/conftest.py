"""A retry plugin with a clock that the test sets, and requests that have just failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define

from llmgate_core import Attempt, Exchange, Head, Provider, ProviderConfig, Request, Target
from llmgate_retry import RetryConfig, RetryPlugin

Make = Callable[..., RetryPlugin]
Fail = Callable[..., Exchange]


@define
class Clock:
    """Stands still until it is set."""

    now: float = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Vendor(Provider):
    """A provider that is never asked anything."""

    type = "vendor"


@pytest.fixture
def clock() -> Clock:
    """Shows 100 s."""
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Make:
    """``make(chance, max_retries=…)``: the plugin, whose every draw is ``chance`` of the most."""

    def making(chance: float = 0.5, **config: Any) -> RetryPlugin:
        return RetryPlugin(RetryConfig(**config), clock, lambda: chance)

    return making


@pytest.fixture
def failed() -> Fail:
    """``failed("a/x", "b/x")``: a request whose first attempt, at the first target, has failed. Its deadline is at 160 s."""

    def failing(*plan: str) -> Exchange:
        nothing: Any = None
        request = Request(nothing, "chat", {}, model="x", stream=False)
        exchange = Exchange("r1", Head("POST", "/", "", {}), nothing, "chat", request, 100.0, 0.0, 160.0)
        exchange.plan = tuple(map(Target.parse, plan))
        attempt_at(exchange, exchange.plan[0])
        return exchange

    return failing


def attempt_at(exchange: Exchange, target: Target) -> None:
    """One more attempt."""
    provider = Vendor(target.provider, ProviderConfig())
    exchange.attempts.append(Attempt(len(exchange.attempts) + 1, target, provider, 100.0))


@pytest.fixture
def again() -> Callable[[Exchange, Target], None]:
    """``again(exchange, target)``: one more attempt has failed."""
    return attempt_at
