"""``llmgate plugin new``: the template under another name, whole or not at all."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from llmgate_cli.names import Word, new_word
from llmgate_cli.output import ConfigFailure
from llmgate_cli.scaffold import template_folder

Run = Callable[..., Result]
VARIANTS = {"hook": (), "provider": ("--provider",), "dialect": ("--dialect",)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_name_is_changed_everywhere(run: Run, variant: str) -> None:
    """Folder, distribution, package, entry point, class, section and test have the one new word."""
    assert run("plugin", "new", "my-thing", *VARIANTS[variant]).exit_code == 0
    files = {path: path.read_text() for path in Path("my_thing").rglob("*") if path.is_file()}
    project = tomllib.loads(files[Path("my_thing/pyproject.toml")])["project"]
    assert project["name"] == "llmgate-my-thing"
    assert project["entry-points"]["llmgate"] == {"my_thing": "llmgate_my_thing:MyThingPlugin"}
    assert "class MyThingPlugin" in files[Path("my_thing/src/llmgate_my_thing/__init__.py")]
    assert Path("my_thing/tests/test_my_thing.py") in files
    for path, text in files.items():
        assert "example" not in text.replace("api.example.com", "").lower(), path


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_the_variant_is_copied(run: Run, variant: str) -> None:
    """No file of another variant, and no cache, gets into the new plugin."""
    run("plugin", "new", "my-thing", *VARIANTS[variant])
    package = {path.name for path in Path("my_thing/src/llmgate_my_thing").iterdir()}
    own = {"hook": set(), "provider": set(), "dialect": {"codec.py", "stream.py", "wire.py"}}[variant]
    assert package == {"__init__.py", "py.typed"} | own


def test_next_commands_are_told(run: Run) -> None:
    """Three commands: install, test, serve."""
    done = run("plugin", "new", "my-thing", "--into", "sub/folder")
    lines = [line.strip() for line in done.stdout.splitlines()[2:]]
    assert lines == [
        "pip install -e './sub/folder/my_thing[test]'",
        "pytest ./sub/folder/my_thing",
        "llmgate serve",
    ]
    assert Path("sub/folder/my_thing/pyproject.toml").is_file()


def test_tools_are_configured_once(run: Run) -> None:
    """A plugin that stands alone brings its tools' settings; one inside a project leaves them to the project."""
    run("plugin", "new", "alone")
    assert "ruff" in tomllib.loads(Path("alone/pyproject.toml").read_text())["tool"]
    Path("project/plugins").mkdir(parents=True)
    Path("project/pyproject.toml").write_text("[tool.ruff]\n")
    run("plugin", "new", "inside", "--into", "project/plugins")
    assert "tool" not in tomllib.loads(Path("project/plugins/inside/pyproject.toml").read_text())


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "x/y",
        "a" * 41,
        "X",
        "my__thing",
        "-x",
        "x-",
        "1x",
        "",
        "class",
        "core",
        "cli",
        "standard",
        "llmgate-x",
        "é",
    ],
)
def test_name_that_cannot_be_one_is_refused(run: Run, name: str) -> None:
    """Exit code 2, a reason, and nothing on the disk."""
    done = run("plugin", "new", "--", name)
    assert done.exit_code == 2
    assert done.stderr
    assert list(Path().iterdir()) == []


def test_taken_name_is_refused(run: Run, toys: object) -> None:
    """An installed plugin's name, and a folder that is there: refused, and the folder is left as it is."""
    assert "is installed" in run("plugin", "new", "toy").stderr
    Path("mine").mkdir()
    Path("mine/file").write_text("x")
    done = run("plugin", "new", "mine")
    assert done.exit_code == 2
    assert [path.name for path in Path("mine").iterdir()] == ["file"]


def test_word_in_its_spellings() -> None:
    """One word, spelled as each place wants it."""
    word = new_word("rate-limit-2")
    assert word == Word("rate_limit_2")
    assert (word.distribution, word.package, word.camel) == (
        "llmgate-rate-limit-2",
        "llmgate_rate_limit_2",
        "RateLimit2",
    )
    with pytest.raises(ConfigFailure, match="my-thing"):
        new_word("Rate")


def test_template_is_the_workspace_member() -> None:
    """In a checkout there is one copy of the template, and this is it."""
    assert (template_folder() / "src/llmgate_example/__init__.py").is_file()
