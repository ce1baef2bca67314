"""Names seen before are looked up in one place: bounded, each router's own, and never instead of a draw."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from llmgate_core import Exchange
from llmgate_core.registry import Registry
from llmgate_router import AliasConfig, RouterConfig, RouterPlugin, WeightedTarget

Asked = Callable[[str], Exchange]
Opened = Callable[..., Any]
HALVES = AliasConfig([WeightedTarget("vendor/x"), WeightedTarget("lab/x")], "weighted")


@pytest.fixture
async def opened(registry: Registry) -> AsyncIterator[Opened]:
    """``await opened({alias: …})``: a router among the providers vendor and lab."""
    async with AsyncExitStack() as stack:

        async def opening(models: dict[str, Any]) -> RouterPlugin:
            router = RouterPlugin(RouterConfig(models=models), random.Random(5).random)
            gateway: Any = SimpleNamespace(registry=registry)
            await stack.enter_async_context(router.llmgate_lifespan(gateway))
            return router

        yield opening


def routed(router: RouterPlugin, exchange: Exchange) -> list[str] | None:
    """The plan as text."""
    plan = router.llmgate_select_provider(exchange, ())
    return None if plan is None else [str(target) for target in plan]


async def test_a_name_leads_to_the_same_place_again(opened: Opened, asked: Asked) -> None:
    """Whichever kind of name; and to the very same plan, so that others can know it."""
    router = await opened({"fast": ["lab/llama", "vendor/gpt-1"]})
    wanted = {
        "fast": ["lab/llama", "vendor/gpt-1"],
        "gpt-7": ["vendor/gpt-7"],
        "lab/y": ["lab/y"],
        "a b?c": ["lab/a b?c"],
    }
    for _ in range(3):
        assert {name: routed(router, asked(name)) for name in wanted} == wanted
    for name in wanted:
        first, again = (router.llmgate_select_provider(asked(name), ()) for _ in range(2))
        assert first is again


async def test_a_weighted_alias_is_drawn_each_time(opened: Opened, asked: Asked) -> None:
    """Also one that only leads to a weighted one."""
    router = await opened({"smart": HALVES, "both": ["smart", "lab/llama"]})
    for name in ("smart", "both"):
        firsts = [(routed(router, asked(name)) or [""])[0] for _ in range(200)]
        assert 60 < firsts.count("vendor/x") < 140
        assert set(firsts) == {"vendor/x", "lab/x"}


async def test_names_do_not_pile_up(opened: Opened, asked: Asked) -> None:
    """Clients make them up; the aliases stay."""
    router = await opened({"fast": ["lab/llama"], "smart": HALVES})
    for number in range(5000):
        assert routed(router, asked(f"lab/{number}")) == [f"lab/{number}"]
        assert len(router._known) <= 1025
    assert routed(router, asked("fast")) == ["lab/llama"]
    assert routed(router, asked("lab/0")) == ["lab/0"]
    assert len(routed(router, asked("smart")) or ()) == 2


async def test_a_name_that_nobody_has_leaves_nothing(opened: Opened, asked: Asked) -> None:
    """However long it is."""
    router = await opened({"fast": ["lab/llama"]})
    for name in ("nobody/x", "lab/" + "x" * 10_000, "", "unknown"):
        assert [routed(router, asked(name)), routed(router, asked(name))] == [None, None]
    assert list(router._known) == ["fast"]


async def test_routers_know_their_own_names(opened: Opened, asked: Asked) -> None:
    """An alias of one gateway is a name like any other in the next."""
    one, two = await opened({"gpt-1": ["lab/llama"]}), await opened({})
    assert routed(one, asked("gpt-1")) == ["lab/llama"]
    assert routed(two, asked("gpt-1")) == ["vendor/gpt-1"]
    assert routed(one, asked("gpt-1")) == ["lab/llama"]
