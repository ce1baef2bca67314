"""Which key is chosen."""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmgate_core import Key, Secret
from llmgate_core.strict import MistakesFound, structure
from llmgate_core.upstream_errors import NoKeyAvailable
from llmgate_key_rotation import KeyRotationConfig
from llmgate_key_rotation.choice import draw

Build = Callable[..., Any]


def key(name: str, weight: float = 1.0, *models: str) -> Key:
    """A key with options."""
    return Key(Secret(f"sk-{name}"), name, weight, models)


def test_weights_decide_how_often() -> None:
    """Three to one; a key of weight 0 is not drawn while others are there."""
    keys, rng = [key("a", 3), key("b", 1), key("c", 0)], random.Random(5)
    drawn = Counter(draw(keys, rng.random).name for _ in range(4000))
    assert 2800 < drawn["a"] < 3200
    assert drawn["a"] + drawn["b"] == 4000


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, -2.0), (0.1, 0.2), (1e300, 1e300)])
def test_odd_weights_still_draw(weights: tuple[float, float]) -> None:
    """At both ends of chance, whatever the weights."""
    keys = [key("a", weights[0]), key("b", weights[1])]
    assert draw(keys, lambda: 0.0).name == "a"
    assert draw(keys, lambda: 1 - 2**-53).name == "b"


async def test_only_keys_for_the_model_are_drawn(bench: Build) -> None:
    """By the key's patterns."""
    one = await bench(key("big", 1, "gpt-big*"), key("any"), chance=0.0)
    assert one.attempt(one.request("vendor/gpt-big-2")) == "big"
    assert one.attempt(one.request("vendor/other")) == "any"


async def test_no_key_for_the_model_is_told(bench: Build) -> None:
    """There is nothing to wait for, and the text says what to do."""
    one = await bench(key("big", 1, "gpt-big*"))
    with pytest.raises(NoKeyAvailable, match="widen a key's models") as caught:
        one.attempt(one.request("vendor/other"))
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"cool_down": 0}, "cool_down"),
        ({"retire_seconds": -1}, "retire_seconds"),
        ({"scope": "account"}, "must be one of 'model', 'key'"),
    ],
)
def test_mistakes_in_the_config_are_told(config: dict[str, Any], told: str) -> None:
    """With the option."""
    with pytest.raises(MistakesFound, match=told):
        structure(config, KeyRotationConfig, "plugins.key_rotation")


def test_the_example_in_the_readme_is_a_config() -> None:
    """It can be pasted."""
    (block,) = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    section = tomllib.loads(block)["plugins"]["key_rotation"]
    assert structure(section, KeyRotationConfig, "plugins.key_rotation").scope == "key"
