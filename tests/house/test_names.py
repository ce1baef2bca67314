"""One word, many places: directory = distribution = import = entry point, and the workspace knows them all."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house.conftest import Member

SHAPE = ("pyproject.toml", "README.md", "src/{package}/__init__.py", "src/{package}/py.typed")


@pytest.fixture
def standard(root: Path) -> dict[str, Any]:
    """The root pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text())


def test_member_is_named_by_one_word(member: Member) -> None:
    """Distribution and import follow from the folder's name."""
    assert member.pyproject["project"]["name"] == "llmgate-" + member.word.replace("_", "-")
    assert [path.name for path in (member.folder / "src").iterdir() if path.is_dir()] == [member.package]


def test_plugin_has_one_entry_point_named_as_itself(plugin: Member) -> None:
    """The group `llmgate` holds the plugin's word, and it leads into the plugin's own package."""
    entries = plugin.pyproject["project"]["entry-points"]["llmgate"]
    assert list(entries) == [plugin.word]
    assert entries[plugin.word].partition(":")[0] == plugin.package


def test_only_plugins_have_an_entry_point(core: Member, members: list[Member]) -> None:
    """No private door: what the loader finds is a plugin, and core, cli and native are none."""
    others = [m for m in members if not m.is_plugin]
    assert core in others
    assert [m.word for m in others if "llmgate" in m.pyproject["project"].get("entry-points", {})] == []


def test_member_has_the_shape_of_the_house(member: Member) -> None:
    """Every member has its metadata, its README and its type marker where they are looked for."""
    wanted = [member.folder / part.format(package=member.package) for part in SHAPE]
    assert [path.name for path in wanted if not path.is_file()] == []


def test_every_package_says_that_it_is_one(member: Member) -> None:
    """No namespace packages: each folder of Python files under `src` has an `__init__.py`."""
    folders = {module.path.parent for module in member.modules()}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").is_file()) == []


def test_plugin_has_tests_of_its_own(plugin: Member) -> None:
    """A plugin's tests live beside it and can run alone."""
    assert sorted((plugin.folder / "tests").glob("test_*.py")) != []


def test_member_agrees_with_the_others(member: Member, standard: dict[str, Any]) -> None:
    """Version, licence and the Python it needs are the same everywhere."""
    keys = ("version", "license", "requires-python")
    assert {k: member.pyproject["project"][k] for k in keys} == {k: standard["project"][k] for k in keys}


def test_member_brings_no_tool_configuration(member: Member) -> None:
    """All tools are configured in the root pyproject.toml, so that there is one place to look."""
    assert set(member.pyproject.get("tool", {})) <= {"hatch"}


def test_plugin_asks_for_the_core_it_was_built_against(plugin: Member) -> None:
    """A plugin declares llmgate-core with both ends, so that pip refuses a core that it does not fit."""
    assert "llmgate-core>=0.1,<0.2" in [d.replace(" ", "") for d in plugin.pyproject["project"]["dependencies"]]


def test_standard_set_is_core_cli_native_and_every_builtin(members: list[Member], standard: dict[str, Any]) -> None:
    """The root distribution depends on exactly the members that belong to the standard set."""
    wanted = {m.pyproject["project"]["name"] for m in members if m.folder.parent.name == "builtin_plugins"}
    declared = [dependency.partition(">")[0] for dependency in standard["project"]["dependencies"]]
    assert sorted(declared) == sorted(wanted | {"llmgate-core", "llmgate-cli", "llmgate-native"})


def test_workspace_takes_every_member_from_its_folder(members: list[Member], standard: dict[str, Any]) -> None:
    """uv never fetches a member from an index: each one is a workspace source."""
    sources = standard["tool"]["uv"]["sources"]
    assert sorted(sources) == sorted(m.pyproject["project"]["name"] for m in members)
    assert all(source == {"workspace": True} for source in sources.values())
