"""``llmgate plugin check``: what keeps a plugin from running, or from being what people expect of one."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .config_checks import check_config_class
from .names import Word, new_word
from .output import ConfigFailure, Failure
from .plugin_commands import near

if TYPE_CHECKING:
    from llmgate_core.plugins import Found

GROUP: Final = "llmgate"


def check_installed(name: str) -> list[str]:
    """Findings about the installed plugin of that name. Raises :class:`ConfigFailure` when there is none."""
    from llmgate_core.plugins import discover

    found = [one for one in discover() if one.name == name]
    if not found:
        raise ConfigFailure(f"no plugin {name!r} is installed, and there is no such folder; {near(name)}")
    findings = [f"two distributions give a plugin of this name: {', '.join(one.origin for one in found)}"]
    return [*(findings if len(found) > 1 else ()), *_check_found(found[0])]


def check_folder(folder: Path) -> list[str]:
    """Findings about the plugin whose project is in ``folder``. Raises :class:`ConfigFailure` when none is."""
    try:
        project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("project", {})
    except FileNotFoundError:
        raise ConfigFailure(f"{folder} has no pyproject.toml: it is no plugin's folder") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return [f"pyproject.toml: {error}"]
    entries: dict[str, str] = project.get("entry-points", {}).get(GROUP, {})
    if len(entries) != 1:
        told = ", ".join(entries) or "none"
        return [
            f"pyproject.toml: [project.entry-points.{GROUP}] must have the one entry that names the plugin, not {told}"
        ]
    ((name, target),) = entries.items()
    return [*_check_project(folder, project, Word(name)), *_check_found(_found_in(folder, project, name, target))]


def _check_project(folder: Path, project: dict[str, Any], word: Word) -> Iterator[str]:
    wanted = ("README.md", f"src/{word.package}/__init__.py", f"src/{word.package}/py.typed")
    yield from (f"{place}: is missing" for place in wanted if not (folder / place).is_file())
    if not list((folder / "tests").glob("test_*.py")):
        yield "tests/: there is no test_*.py"
    if not any(str(one).replace("_", "-").startswith("llmgate-core") for one in project.get("dependencies", ())):
        yield 'pyproject.toml: dependencies lack llmgate-core with both ends, say "llmgate-core>=0.1,<0.2"'


def _found_in(folder: Path, project: dict[str, Any], name: str, target: str) -> Found:
    from llmgate_core.plugins import Found

    def load() -> Any:
        sys.path.insert(0, str((folder / "src").resolve()))
        importlib.invalidate_caches()
        module, _, attribute = target.partition(":")
        return getattr(importlib.import_module(module), attribute)

    return Found(name, str(project.get("name", "")), str(project.get("version", "0")), load)


def _check_found(one: Found) -> Iterator[str]:
    from llmgate_core.plugins import check_class

    word = Word(one.name)
    try:
        new_word(one.name)
    except Failure as failure:
        yield f"entry point: {failure.message}"
    if one.distribution.replace("_", "-").lower() != word.distribution:
        yield f"distribution: is called {one.distribution}; a plugin {one.name!r} comes as {word.distribution}"
    try:
        cls = one.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's code: whatever it raises is the finding
        yield f"import: {type(error).__name__}: {error}"
        return
    package = str(getattr(cls, "__module__", "")).partition(".")[0]
    if package != word.package:
        yield f"package: is called {package}; a plugin {one.name!r} is imported as {word.package}"
    mistakes = check_class(one, cls)
    yield from map(str, mistakes)
    if not mistakes and getattr(cls, "config_class", None) is not None:
        yield from check_config_class(cls.config_class, f"plugins.{one.name}")
