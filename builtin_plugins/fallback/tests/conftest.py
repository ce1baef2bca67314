"""A fallback plugin among providers that are only names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from llmgate_core import Attempt, Exchange, Head, Provider, ProviderConfig, Request, Target
from llmgate_core.registry import Registry
from llmgate_fallback import FallbackConfig, FallbackPlugin

Ask = Callable[..., Exchange]


class Vendor(Provider):
    """A provider that is never asked anything."""

    type = "vendor"


@pytest.fixture
def registry() -> Registry:
    """Providers a, b and c, of which a serves ``bare``; the alias ``fast``."""
    models = {"a": ["bare"], "b": ["odd name?"], "c": []}
    return Registry(
        dialects={},
        provider_types={},
        providers={name: Vendor(name, ProviderConfig(models=listed)) for name, listed in models.items()},
        endpoints={},
        aliases=["fast"],
        gauges=[],
        plugin_names=[],
        claims=frozenset(),
    )


@pytest.fixture
async def opened(registry: Registry) -> Any:
    """``await opened(models=…, …)`` gives the plugin with that config, its lifespan entered."""
    async with AsyncExitStack() as stack:

        async def opening(**config: Any) -> FallbackPlugin:
            plugin = FallbackPlugin(FallbackConfig(**config))
            gateway: Any = SimpleNamespace(registry=registry)
            await stack.enter_async_context(plugin.llmgate_lifespan(gateway))
            return plugin

        yield opening


@pytest.fixture
def asked() -> Ask:
    """A request for a model, of no dialect: the plugin reads nothing else."""

    def ask(model: str, **extensions: Any) -> Exchange:
        nothing: Any = None
        request = Request(nothing, "chat", {}, model=model, stream=False)
        head = Head("POST", "/", "", {})
        return Exchange("r1", head, nothing, "chat", request, 0.0, 0.0, 60.0, extensions=extensions)

    return ask


@pytest.fixture
def failed(asked: Ask, registry: Registry) -> Ask:
    """A request that failed at ``at``, the target of that number in its plan."""

    def fail(*plan: str, at: int = 0) -> Exchange:
        exchange = asked("x")
        exchange.plan = tuple(map(Target.parse, plan))
        for number, target in enumerate(exchange.plan[: at + 1]):
            exchange.attempts.append(Attempt(number + 1, target, registry.providers[target.provider], 0.0))
        return exchange

    return fail
