"""What is appended to the plan."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmgate_core import Exchange, Target
from llmgate_core.errors import InvalidRequest
from llmgate_core.strict import MistakesFound, structure
from llmgate_fallback import FallbackConfig, FallbackPlugin

Opened = Callable[..., Any]
Ask = Callable[..., Exchange]


def plan(plugin: FallbackPlugin, exchange: Exchange, *targets: str) -> list[str] | None:
    """The plan as text, None when the plugin left it."""
    changed = plugin.llmgate_select_provider(exchange, tuple(map(Target.parse, targets)))
    return None if changed is None else [str(target) for target in changed]


async def test_each_planned_target_brings_its_chain(opened: Opened, asked: Ask) -> None:
    """Behind all that was planned, in the plan's order; a chain is not followed further."""
    plugin = await opened(models={"a/x": ["b/x"], "c/x": ["c/y"], "b/x": ["c/z"]})
    assert plan(plugin, asked("a/x"), "a/x", "c/x") == ["a/x", "c/x", "b/x", "c/y"]


async def test_an_alias_and_a_bare_name_have_chains(opened: Opened, asked: Ask) -> None:
    """A chain by the name that was asked for comes before those of the targets."""
    plugin = await opened(models={"fast": ["b/x"], "bare": ["c/x"], "a/x": ["c/y"]})
    assert plan(plugin, asked("fast"), "a/x") == ["a/x", "b/x", "c/y"]
    assert plan(plugin, asked("bare"), "a/bare") == ["a/bare", "c/x"]


async def test_the_default_chain_is_everyones_last(opened: Opened, asked: Ask) -> None:
    """With a chain of its own or without."""
    plugin = await opened(models={"a/x": ["b/x"]}, default=["c/x"])
    assert plan(plugin, asked("a/x"), "a/x") == ["a/x", "b/x", "c/x"]
    assert plan(plugin, asked("b/y"), "b/y") == ["b/y", "c/x"]


async def test_no_target_stands_twice(opened: Opened, asked: Ask) -> None:
    """The first place counts."""
    plugin = await opened(models={"a/x": ["b/x", "c/x"]}, default=["b/x", "a/x"])
    assert plan(plugin, asked("a/x"), "a/x", "c/x") == ["a/x", "c/x", "b/x"]


async def test_nothing_configured_leaves_the_plan(opened: Opened, asked: Ask) -> None:
    """And so does a plan that is empty: there is nothing to fall back from."""
    assert plan(await opened(), asked("a/x"), "a/x") is None
    assert plan(await opened(default=["b/x"]), asked("nobody")) is None


async def test_a_requests_own_list_replaces_the_configured_ones(opened: Opened, asked: Ask) -> None:
    """The client named where its prompt may go; an empty list says nowhere else, null says nothing."""
    plugin = await opened(models={"a/x": ["b/x"]}, default=["c/x"])
    assert plan(plugin, asked("a/x", fallbacks=["c/y", "b/odd name?", "a/x"]), "a/x") == ["a/x", "c/y", "b/odd name?"]
    assert plan(plugin, asked("a/x", fallbacks=[]), "a/x") is None
    assert plan(plugin, asked("a/x", fallbacks=None), "a/x") == ["a/x", "b/x", "c/x"]


@pytest.mark.parametrize(
    ("value", "param", "told"),
    [
        ("b/x", "fallbacks", "must be a list"),
        ({"b/x": 1}, "fallbacks", "must be a list"),
        (True, "fallbacks", "must be a list"),
        (["b/x", 3], r"fallbacks[1]", "must be a string"),
        ([["b/x"]], r"fallbacks[0]", "must be a string"),
        (["nobody/x"], r"fallbacks[0]", "known: a, b, c"),
        (["fast"], r"fallbacks[0]", "known provider"),
        (["b/"], r"fallbacks[0]", "model name"),
        (["b/../x"], r"fallbacks[0]", "model name"),
        (["b/a?b"], r"fallbacks[0]", "model name"),
        (["b/x"] * 11, "fallbacks", "at most 10"),
    ],
)
async def test_a_wrong_list_is_refused_by_name(opened: Opened, asked: Ask, value: Any, param: str, told: str) -> None:
    """A 400 that names the place and what belongs there, also when nobody has the model."""
    plugin = await opened()
    for targets in (("a/x",), ()):
        with pytest.raises(InvalidRequest, match=re.escape(told)) as caught:
            plan(plugin, asked("a/x", fallbacks=value), *targets)
        assert (caught.value.status, caught.value.param) == (400, param)


async def test_a_long_name_is_not_echoed_whole(opened: Opened, asked: Ask) -> None:
    """What the client wrote stands in the message cut short and escaped."""
    with pytest.raises(InvalidRequest) as caught:
        plan(await opened(), asked("a/x", fallbacks=["\n" + "x" * 10_000]), "a/x")
    assert len(caught.value.message) < 300
    assert "\n" not in caught.value.message


def test_it_claims_the_field() -> None:
    """No provider ever sees ``fallbacks``."""
    assert FallbackPlugin.claims == ("fallbacks",)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"models": {"a/x": ["b"]}}, "not 'provider/model'"),
        ({"default": ["b"]}, "not 'provider/model'"),
        ({"models": {"a/x": ["b/x", "a/x"]}}, "falls back to itself"),
        ({"statuses": [200]}, "200 is no status"),
        ({"statuses": ["3xx"]}, "'3xx' is no status"),
        ({"kinds": ["timeouts"]}, "'timeouts' is no kind"),
        ({"max_targets": -1}, "max_targets"),
    ],
)
def test_mistakes_in_the_config_are_told(config: dict[str, Any], told: str) -> None:
    """Found when the config is read, with their place."""
    with pytest.raises(MistakesFound, match=told):
        structure(config, FallbackConfig, "plugins.fallback")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"models": {"a/x": ["nobody/x"]}}, "'nobody/x' names no configured provider"),
        ({"default": ["nobody/x"]}, "default: 'nobody/x'"),
        ({"models": {"nobody/x": ["a/x"]}}, "no request can be for 'nobody/x'"),
        ({"models": {"fats": ["a/x"]}}, "no request can be for 'fats'"),
    ],
)
async def test_names_that_lead_nowhere_end_the_start(opened: Opened, config: dict[str, Any], told: str) -> None:
    """A chain that would never be used is a typing error."""
    with pytest.raises(ValueError, match=told):
        await opened(**config)


def test_targets_are_told_to_the_check_at_start() -> None:
    """By the place in the config that names them."""
    plugin = FallbackPlugin(FallbackConfig(models={"a/x": ["b/x"]}, default=["c/x"]))
    assert plugin.targets_of() == {"plugins.fallback.models.a/x": ["b/x"], "plugins.fallback.default": ["c/x"]}


def test_the_example_in_the_readme_is_a_config() -> None:
    """It can be pasted."""
    (block,) = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    config = structure(tomllib.loads(block)["plugins"]["fallback"], FallbackConfig, "plugins.fallback")
    assert config.default == ["echo/echo"]
