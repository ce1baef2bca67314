"""A router among providers that are only names, and requests that are only a model's name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from llmgate_core import Exchange, Head, Provider, ProviderConfig, Request, Target
from llmgate_core.registry import Registry
from llmgate_router import RouterConfig, RouterPlugin

Plan = Callable[..., Any]


class Vendor(Provider):
    """A provider that is never asked anything."""

    type = "vendor"
    known_models = ("gpt-1",)
    model_patterns = ("gpt-*",)


class Lab(Provider):
    """Another one, without names of its own."""

    type = "lab"


@pytest.fixture
def registry() -> Registry:
    """Two providers, in the config's order."""
    providers: dict[str, Provider] = {
        "vendor": Vendor("vendor", ProviderConfig()),
        "lab": Lab("lab", ProviderConfig(models=["gpt-1", "llama", "a b?c"])),
    }
    return Registry(
        dialects={},
        provider_types={},
        providers=providers,
        endpoints={},
        aliases=[],
        gauges=[],
        plugin_names=[],
        claims=frozenset(),
    )


@pytest.fixture
def asked() -> Callable[[str], Exchange]:
    """A request for a model, of no dialect: the router reads nothing else."""

    def ask(model: str) -> Exchange:
        nothing: Any = None
        request = Request(nothing, "chat", {}, model=model, stream=False)
        return Exchange("r1", Head("POST", "/", "", {}), nothing, "chat", request, 0.0, 0.0, 60.0)

    return ask


@pytest.fixture
async def route(registry: Registry, asked: Callable[[str], Exchange]) -> Any:
    """``await route({alias: …}, "name")`` → the plan as text. The router is opened as a gateway would."""
    async with AsyncExitStack() as stack:

        async def routing(models: dict[str, Any], name: str, before: tuple[Target, ...] = ()) -> list[str] | None:
            router = RouterPlugin(RouterConfig(models=models))
            gateway: Any = SimpleNamespace(registry=registry)
            await stack.enter_async_context(router.llmgate_lifespan(gateway))
            plan = router.llmgate_select_provider(asked(name), before)
            return None if plan is None else [str(target) for target in plan]

        yield routing
