"""A rotation with a clock that the test sets, and a provider with keys that is never asked anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define

from llmgate_core import Attempt, Exchange, Head, Key, Provider, ProviderConfig, ProviderError, Request, Secret, Target
from llmgate_core.errors import GatewayError
from llmgate_core.registry import Registry
from llmgate_core.rejections import reject
from llmgate_key_rotation import KeyRotationConfig, KeyRotationPlugin

SECRET = "sk-canary"


@define
class Clock:
    """Stands still until it is set."""

    now: float = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Vendor(Provider):
    """A provider with keys."""

    type = "vendor"

    def __init__(self, name: str, *keys: Key) -> None:
        super().__init__(name, ProviderConfig())
        self.keys = keys


@define
class Bench:
    """One gateway's rotation, and requests to it."""

    plugin: KeyRotationPlugin
    provider: Provider

    def request(self, *plan: str) -> Exchange:
        """A request with this plan (one target when not given)."""
        nothing: Any = None
        request = Request(nothing, "chat", {}, model="x", stream=False)
        exchange = Exchange("r1", Head("POST", "/", "", {}), nothing, "chat", request, 100.0, 0.0, 160.0)
        exchange.plan = tuple(map(Target.parse, plan or ("vendor/m",)))
        return exchange

    def attempt(self, exchange: Exchange, at: int = 0) -> str:
        """Begin an attempt as the core does; the name of the key that was chosen."""
        target = exchange.plan[at]
        attempt = Attempt(len(exchange.attempts) + 1, target, self.provider, 100.0)
        exchange.attempts.append(attempt)
        attempt.key = self.plugin.llmgate_select_key(exchange, target)
        return attempt.key.name

    def fail(self, exchange: Exchange, error: GatewayError | int, retry_after: float | None = None) -> Any:
        """The attempt fails; what the plugin decides."""
        if isinstance(error, int):
            error = reject(error, ProviderError("no"), provider="vendor", retry_after=retry_after)
        exchange.attempt.error = error
        return self.plugin.llmgate_on_error(exchange, error)

    def states(self) -> dict[str, str]:
        """The gauge, as key name → state."""
        (gauge,) = self.plugin.gauges()
        return {key: state for (_, key, state), value in gauge.read() if value}


@pytest.fixture
def clock() -> Clock:
    """Shows 100 s."""
    return Clock()


@pytest.fixture
async def bench(clock: Clock) -> AsyncIterator[Callable[..., Any]]:
    """``await bench("one", "two", chance=0, scope=…)``: keys by name, or whole; each draw is ``chance``."""
    opened = []

    async def build(*keys: str | Key, chance: float = 0.0, **config: Any) -> Bench:
        whole = [key if isinstance(key, Key) else Key(Secret(f"{SECRET}-{key}"), key) for key in keys]
        plugin = KeyRotationPlugin(KeyRotationConfig(**config), clock, lambda: chance)
        provider = Vendor("vendor", *whole)
        registry = Registry(
            dialects={},
            provider_types={},
            providers={"vendor": provider},
            endpoints={},
            aliases=[],
            gauges=[],
            plugin_names=[],
            claims=frozenset(),
        )
        gateway: Any = SimpleNamespace(registry=registry)
        lifespan = plugin.llmgate_lifespan(gateway)
        await lifespan.__aenter__()
        opened.append(lifespan)
        return Bench(plugin, provider)

    yield build
    for lifespan in opened:
        await lifespan.__aexit__(None, None, None)
