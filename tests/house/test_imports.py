"""Who may import whom: plugins meet through the registry, and everyone declares what he uses."""

from __future__ import annotations

import re
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.house.conftest import Member


def normal(requirement: str) -> str:
    """The distribution's name in a requirement, as indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ \[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def foreign(member: Member, within: str, *, typing: bool = True) -> dict[str, set[str]]:
    """What a member imports that is neither its own nor the standard library's, by top-level name."""
    found: dict[str, set[str]] = {}
    for name, files in member.imports(within, typing=typing).items():
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != member.package:
            found.setdefault(top, set()).update(files)
    return found


def test_core_imports_no_other_member(core: Member) -> None:
    """Core knows neither plugins nor the command line; its twins in C it meets in one place."""
    ours = {name: files for name, files in foreign(core, "src").items() if name.startswith("llmgate")}
    assert ours == {"llmgate_native": {"core/src/llmgate_core/native.py"}}


def test_twins_of_core_are_an_extra(core: Member) -> None:
    """Core runs without llmgate-native: it is asked for by `llmgate-core[native]` alone."""
    project = core.pyproject["project"]
    assert [normal(name) for name in project["optional-dependencies"]["native"]] == ["llmgate-native"]
    assert "llmgate-native" not in {normal(name) for name in project["dependencies"]}


def test_native_imports_nothing_of_ours(members: list[Member]) -> None:
    """What the C works with is handed to it: llmgate-native stands below the core, and needs nothing."""
    (native,) = [m for m in members if m.word == "native"]
    assert foreign(native, "src") == {}


def test_plugin_imports_no_other_plugin(plugin: Member) -> None:
    """A plugin imports core and nothing else of ours."""
    ours = {name: files for name, files in foreign(plugin, "src").items() if name.startswith("llmgate")}
    assert {name: files for name, files in ours.items() if name != "llmgate_core"} == {}


def test_plugin_tests_import_no_other_plugin(plugin: Member) -> None:
    """Deleting any other plugin leaves these tests green: they name no other plugin's package."""
    ours = {name: files for name, files in foreign(plugin, "tests").items() if name.startswith("llmgate")}
    assert {name: files for name, files in ours.items() if name != "llmgate_core"} == {}


def test_core_tests_import_no_other_member(core: Member) -> None:
    """Core is tested with plugins that its tests write themselves."""
    assert {name: files for name, files in foreign(core, "tests").items() if name.startswith("llmgate")} == {}


def test_cli_imports_no_plugin(members: list[Member]) -> None:
    """The command line finds plugins as everyone does: by their entry points."""
    (cli,) = [m for m in members if m.word == "cli"]
    ours = {name: files for name, files in foreign(cli, "src").items() if name.startswith("llmgate")}
    assert set(ours) <= {"llmgate_core"}, ours


def test_member_imports_only_what_it_declares(member: Member) -> None:
    """Every foreign package is a dependency in the member's own pyproject.toml, not a guest of someone else's."""
    project = member.pyproject["project"]
    extras = [dependency for extra in project.get("optional-dependencies", {}).values() for dependency in extra]
    declared = {normal(requirement) for requirement in [*project["dependencies"], *extras]}
    owners = packages_distributions()
    undeclared = {
        name: files
        for name, files in foreign(member, "src", typing=False).items()
        if not declared & {normal(dist) for dist in owners.get(name, [name])}
    }
    assert undeclared == {}


def test_extra_of_core_stays_in_the_kit(core: Member) -> None:
    """What only `llmgate-core[testing]` installs is imported only under `llmgate_core/testing`."""
    extra = {normal(name).replace("-", "_") for name in core.pyproject["project"]["optional-dependencies"]["testing"]}
    outside = {
        name: sorted(file for file in files if "/llmgate_core/testing/" not in file)
        for name, files in foreign(core, "src").items()
        if name in extra | {"_pytest"}
    }
    assert {name: files for name, files in outside.items() if files} == {}
