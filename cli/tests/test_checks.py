"""``llmgate plugin check``: findings and exit code 1, or ok."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_good_plugin_is_ok(run: Run, toys: Any) -> None:
    """Exit code 0; as JSON an empty list."""
    done = run("plugin", "check", "toy")
    assert (done.exit_code, done.stdout) == (0, "ok: toy\n")
    assert json.loads(run("plugin", "check", "toy", "--json").stdout) == []


CONFIG = """
    from attrs import define
    @define
    class Config:
        {field}
    class OddPlugin:
        config_class = Config
        def __init__(self, config): ...
"""


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("import no_such_module_anywhere", "import: ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise SystemExit(3)", "import: SystemExit: 3"),
        ("OddPlugin = 3", "its entry point is a int, not a class"),
        ("class OddPlugin:\n    hook_api = 0", "is written for HOOK_API 0"),
        ("class OddPlugin:\n    def llmgate_hook(self): ...", "unknown hook 'llmgate_hook'"),
        (
            "class OddPlugin:\n    def llmgate_pre_request(self, request): ...",
            "llmgate_pre_request takes exchange, not request",
        ),
        ("class OddPlugin:\n    config_class = dict", "is no attrs class"),
        (CONFIG.format(field="x: int"), "plugins.odd.x: has no default"),
        (CONFIG.format(field="x: set[str] = frozenset()"), "plugins.odd.x: is a set[str]"),
        (CONFIG.format(field="x: dict[int, str] = {}"), "plugins.odd.x: is a dict[int, str]"),
        (CONFIG.format(field="x: 'Nowhere' = 1"), "a type cannot be read"),
    ],
)
def test_what_is_wrong_with_a_class_is_found(run: Run, toys: Any, source: str, finding: str) -> None:
    """Whatever would end the start of a gateway is told before, with exit code 1."""
    toys.add("odd", source)
    done = run("plugin", "check", "odd")
    assert done.exit_code == 1
    assert finding in done.stdout


def test_names_must_be_one_word(run: Run, toys: Any) -> None:
    """Distribution and package follow from the entry point's name."""
    toys.add("stray", "class StrayPlugin: ...", distribution="my-gateway-thing")
    done = run("plugin", "check", "stray")
    assert done.stdout == "distribution: is called my-gateway-thing; a plugin 'stray' comes as llmgate-stray\n"


def test_folder_of_a_new_plugin_is_ok(run: Run) -> None:
    """What ``plugin new`` makes passes in every variant."""
    for name, *option in (("fresh-hook",), ("fresh-provider", "--provider"), ("fresh-dialect", "--dialect")):
        assert run("plugin", "new", name, *option).exit_code == 0
        done = run("plugin", "check", name.replace("-", "_"))
        assert (done.exit_code, done.stdout) == (0, f"ok: {name.replace('-', '_')}\n")


def test_what_is_missing_in_a_folder_is_found(run: Run) -> None:
    """README, type marker, tests and the dependency on the core."""
    run("plugin", "new", "bare-thing")
    folder = Path("bare_thing")
    (folder / "README.md").unlink()
    (folder / "src/llmgate_bare_thing/py.typed").unlink()
    (folder / "tests/test_bare_thing.py").unlink()
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"llmgate-core>=0.1,<0.2"', '"click"', 1))
    done = run("plugin", "check", folder)
    assert done.exit_code == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "README.md",
        "src/llmgate_bare_thing/py.typed",
        "tests/",
        "pyproject.toml",
    ]


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "[project\n"])
def test_folder_without_an_entry_point_is_told(run: Run, text: str) -> None:
    """No entry point, or no TOML at all: exit code 1 and where."""
    Path("odd").mkdir()
    Path("odd/pyproject.toml").write_text(text)
    done = run("plugin", "check", "odd")
    assert done.exit_code == 1
    assert done.stdout.startswith("pyproject.toml: ")


def test_nothing_of_that_name_is_told(run: Run) -> None:
    """Neither a plugin nor a folder, or a folder of something else: exit code 2."""
    assert run("plugin", "check", "no-such-plugin").exit_code == 2
    Path("empty").mkdir()
    done = run("plugin", "check", "empty")
    assert done.exit_code == 2
    assert "no pyproject.toml" in done.stderr
