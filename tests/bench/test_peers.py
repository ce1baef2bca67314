"""Recipes: those that come with the benchmark, and what is said about one that is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.peers import read_recipe, recipes
from tests.bench.processes import Failed


def test_each_recipe_pins_what_it_installs() -> None:
    """Every package is installed in exactly the version that the recipe names."""
    found = recipes()
    assert {"litellm", "portkey"} <= {recipe.name for recipe in found}
    for recipe in found:
        assert re.search(rf"(==|@){re.escape(recipe.version)}$", recipe.install[-1][-1])


def test_no_compromised_release_is_pinned() -> None:
    """Three releases of LiteLLM carried foreign code."""
    versions = {recipe.name: recipe.version for recipe in recipes()}
    assert versions["litellm"] not in {"1.82.7", "1.82.8", "1.107.0"}


def test_a_recipe_without_needs_counts_as_installed(tmp_path: Path) -> None:
    """What runs already needs nothing but its port."""
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nversion = "1"\nport = 9000\n[models]\nplain = "x"\n')
    recipe = read_recipe(file)
    assert (recipe.installed, recipe.port, recipe.models) == (True, 9000, {"plain": "x"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "Invalid value"),
        ('name = "x"\nversion = "1"\n', "models"),
        ('name = "x"\nversion = "1"\nprot = 1\n[models]\n', "prot"),
    ],
)
def test_a_wrong_recipe_is_explained(tmp_path: Path, text: str, said: str) -> None:
    """The file and what is wrong in it."""
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(Failed, match=rf"wrong\.toml.*{said}"):
        read_recipe(file)
