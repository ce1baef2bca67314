"""A plan seen before has its fallbacks looked up: the right ones, for that name and those targets only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmgate_core import Exchange, Target

Opened = Callable[..., Any]
Ask = Callable[..., Exchange]
AX, BX, CX, CY = map(Target.parse, ("a/x", "b/x", "c/x", "c/y"))


async def test_the_same_plan_gets_the_same_fallbacks(opened: Opened, asked: Ask) -> None:
    """Also a plan that has none, and one that is equal without being the same."""
    plugin, chained, bare = await opened(models={"a/x": ["b/x"]}), (AX,), (CX,)
    for _ in range(3):
        assert plugin.llmgate_select_provider(asked("a/x"), chained) == (AX, BX)
        assert plugin.llmgate_select_provider(asked("c/x"), bare) is None
        assert plugin.llmgate_select_provider(asked("a/x"), (AX,)) == (AX, BX)


async def test_another_plan_for_the_name_gets_its_own(opened: Opened, asked: Ask) -> None:
    """An alias may lead elsewhere the next time: drawn by weight, or ordered by another plugin."""
    plugin = await opened(models={"a/x": ["b/x"], "c/x": ["c/y"]})
    one, two = (AX,), (CX,)
    for _ in range(3):
        assert plugin.llmgate_select_provider(asked("fast"), one) == (AX, BX)
        assert plugin.llmgate_select_provider(asked("fast"), two) == (CX, CY)


async def test_another_name_for_the_plan_gets_its_own(opened: Opened, asked: Ask) -> None:
    """The chain of the name counts too, though the targets are the very same."""
    plugin, plan = await opened(models={"fast": ["c/y"]}), (AX,)
    for _ in range(3):
        assert plugin.llmgate_select_provider(asked("fast"), plan) == (AX, CY)
        assert plugin.llmgate_select_provider(asked("a/x"), plan) is None


async def test_a_requests_own_list_is_nobody_elses(opened: Opened, asked: Ask) -> None:
    """It stands for that request alone, before and after others with the same plan."""
    plugin, plan = await opened(models={"a/x": ["b/x"]}), (AX,)
    for _ in range(2):
        assert plugin.llmgate_select_provider(asked("a/x", fallbacks=["c/y"]), plan) == (AX, CY)
        assert plugin.llmgate_select_provider(asked("a/x"), plan) == (AX, BX)
        assert plugin.llmgate_select_provider(asked("a/x", fallbacks=[]), plan) is None
        assert plugin.llmgate_select_provider(asked("a/x", other=1), plan) == (AX, BX)


async def test_plans_do_not_pile_up(opened: Opened, asked: Ask) -> None:
    """Clients make names up; those that nobody has are not kept at all."""
    plugin = await opened(default=["b/x"])
    assert plugin.llmgate_select_provider(asked("n" * 10_000), ()) is None
    assert not plugin._known
    for number in range(3000):
        target = Target("a", str(number))
        assert plugin.llmgate_select_provider(asked(f"a/{number}"), (target,)) == (target, BX)
    assert len(plugin._known) <= 1024


async def test_plugins_know_their_own_plans(opened: Opened, asked: Ask) -> None:
    """Each gateway has its own chains."""
    one, two, plan = await opened(models={"a/x": ["b/x"]}), await opened(models={"a/x": ["c/x"]}), (AX,)
    for _ in range(2):
        assert one.llmgate_select_provider(asked("a/x"), plan) == (AX, BX)
        assert two.llmgate_select_provider(asked("a/x"), plan) == (AX, CX)
