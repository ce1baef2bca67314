"""Names and the targets they lead to."""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmgate_core import Exchange, Target
from llmgate_core.strict import MistakesFound, structure
from llmgate_router import AliasConfig, RouterConfig, RouterPlugin, WeightedTarget
from llmgate_router.aliases import Aliases

Route = Callable[..., Any]


async def test_provider_and_model_address_a_target(route: Route) -> None:
    """Known to the provider or not; a model's own slashes stay."""
    assert await route({}, "lab/llama") == ["lab/llama"]
    assert await route({}, "lab/meta/llama-3:70b@x") == ["lab/meta/llama-3:70b@x"]
    assert await route({}, "lab//models/llama") == ["lab//models/llama"]


async def test_a_bare_name_goes_to_the_first_provider_that_serves_it(route: Route) -> None:
    """In the config's order, by listed names and by patterns."""
    assert await route({}, "gpt-1") == ["vendor/gpt-1"]
    assert await route({}, "gpt-9") == ["vendor/gpt-9"]
    assert await route({}, "llama") == ["lab/llama"]


async def test_an_alias_gives_its_targets_in_order(route: Route) -> None:
    """As one target, a list, or a table."""
    assert await route({"fast": "lab/llama"}, "fast") == ["lab/llama"]
    assert await route({"fast": ["vendor/gpt-1", "lab/llama"]}, "fast") == ["vendor/gpt-1", "lab/llama"]
    assert await route({"fast": AliasConfig(["lab/llama"])}, "fast") == ["lab/llama"]


async def test_an_alias_may_name_another(route: Route) -> None:
    """The other's targets stand in its place, each target once."""
    models = {"all": ["fast", "vendor/gpt-2", "lab/llama"], "fast": ["lab/llama", "vendor/gpt-1"]}
    assert await route(models, "all") == ["lab/llama", "vendor/gpt-1", "vendor/gpt-2"]


async def test_an_alias_comes_before_a_bare_name(route: Route) -> None:
    """So a config can say where a vendor's name leads."""
    assert await route({"gpt-1": ["lab/llama"]}, "gpt-1") == ["lab/llama"]


async def test_a_plan_that_is_there_is_left_alone(route: Route) -> None:
    """A plugin before this one has decided."""
    assert await route({}, "gpt-1", before=(Target("lab", "x"),)) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "lab/", "/llama", "nobody/x", "unknown", "fast ", "FAST", "Lab/llama"),
        *(
            "lab/../x",
            "lab/x/..",
            "lab/.",
            "lab/%2e%2e%2f",
            "lab/a?b#c",
            "lab/a b",
            "lab/a\r\nb",
            "lab/a\0",
            "lab/a\\b",
        ),
        *("lab/" + "x" * 10_000, "lab/gpt‐1", "gpt-1\n", "gpt-../../x", "gpt-a?b", "vendоr/gpt-1"),
        *("{x}/y", "lab/{0.__class__}", "%s/%s"),
    ],
)
async def test_b52_names_are_looked_up_not_interpreted(route: Route, name: str) -> None:
    """Whatever is not exactly a name, or could mean something in a URL, is nobody's."""
    assert await route({"fast": ["lab/llama"]}, name) is None


async def test_a_configured_name_may_look_as_it_likes(route: Route) -> None:
    """What the config lists was written by the operator."""
    assert await route({}, "a b?c") == ["lab/a b?c"]
    assert await route({}, "lab/a b?c") == ["lab/a b?c"]


WEIGHTED = AliasConfig([WeightedTarget("a/x", 3), WeightedTarget("b/x", 1), WeightedTarget("c/x", 0)], "weighted")


def test_weights_decide_who_is_first() -> None:
    """Three to one, as often as the weights say; weight 0 comes last; nobody is lost."""
    aliases = Aliases({"smart": WEIGHTED}, random.Random(7).random)
    plans = [aliases.plan("smart") or () for _ in range(4000)]
    firsts = Counter(plan[0].provider for plan in plans)
    assert 2800 < firsts["a"] < 3200
    assert firsts["a"] + firsts["b"] == 4000
    assert {plan[2].provider for plan in plans} == {"c"}
    assert all(len(plan) == 3 for plan in plans)


def test_weights_hold_inside_another_alias() -> None:
    """An ordered alias that names a weighted one is drawn anew each time."""
    aliases = Aliases({"both": ["smart", "d/x"], "smart": WEIGHTED}, random.Random(1).random)
    plans = {tuple(target.provider for target in aliases.plan("both") or ()) for _ in range(100)}
    assert plans == {("a", "b", "c", "d"), ("b", "a", "c", "d")}


def test_two_routers_draw_from_their_own_chance(asked: Callable[[str], Exchange]) -> None:
    """The same sequence of chances gives the same plans; no instance disturbs another."""
    one, two = (RouterPlugin(RouterConfig({"smart": WEIGHTED}), random.Random(3).random) for _ in range(2))
    first = [one.llmgate_select_provider(asked("smart"), ()) for _ in range(20)]
    assert first == [two.llmgate_select_provider(asked("smart"), ()) for _ in range(20)]


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "b → c → b"),
        ({"a": ["a"]}, "a → a"),
        ({"a": []}, "no targets"),
        ({"a": ["gpt-1"]}, "'gpt-1' is neither"),
        ({"a": ["/x"]}, "'/x' is neither"),
        ({"a": AliasConfig([WeightedTarget("x/y", 0)], "weighted")}, "weight 0"),
        ({"a": AliasConfig([WeightedTarget("x/y", 2)])}, "strategy"),
    ],
)
def test_mistakes_in_the_config_are_told(models: dict[str, Any], told: str) -> None:
    """Each mistake is found when the config is read, and named."""
    with pytest.raises(ValueError, match=told):
        RouterConfig(models=models)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_is_a_share(weight: float) -> None:
    """Negative and boundless weights are mistakes."""
    with pytest.raises(ValueError, match="weight"):
        WeightedTarget("a/x", weight)


async def test_a_target_of_an_unknown_provider_ends_the_start(route: Route) -> None:
    """The text says which alias, which target, and what to do."""
    with pytest.raises(ValueError, match=r"models\.fast: 'nobody/x' names no configured provider"):
        await route({"fast": ["nobody/x"]}, "fast")


async def test_an_alias_that_hides_a_target_ends_the_start(route: Route) -> None:
    """provider/model always addresses a target directly."""
    with pytest.raises(ValueError, match="hides a model of provider 'lab'"):
        await route({"lab/llama": ["vendor/gpt-1"]}, "lab/llama")


async def test_an_alias_may_have_a_slash(route: Route) -> None:
    """As long as no provider has that name."""
    assert await route({"team/fast": ["lab/llama"]}, "team/fast") == ["lab/llama"]


def test_aliases_are_told_to_lists_and_checks() -> None:
    """Names for the list of models; targets, without names of aliases, for the check at start."""
    router = RouterPlugin(RouterConfig({"fast": ["lab/llama", "slow"], "slow": ["vendor/gpt-1"]}))
    assert list(router.model_names()) == ["fast", "slow"]
    assert router.targets_of() == {
        "plugins.router.models.fast": ["lab/llama"],
        "plugins.router.models.slow": ["vendor/gpt-1"],
    }


def test_the_example_in_the_readme_is_a_config() -> None:
    """It can be pasted."""
    (block,) = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    config = structure(tomllib.loads(block)["plugins"]["router"], RouterConfig, "plugins.router")
    assert list(RouterPlugin(config).model_names()) == ["fast", "smart"]


def test_mistakes_have_their_place_in_the_file() -> None:
    """A wrong shape is told with its path."""
    section = {"models": {"smart": {"targets": ["a/x"], "strategy": "wieghted"}}}
    with pytest.raises(MistakesFound, match=r"plugins\.router\.models\.smart\.strategy: must be one of"):
        structure(section, RouterConfig, "plugins.router")
