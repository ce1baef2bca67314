"""The workspace as the house rules see it: a test that takes `member` or `plugin` runs once for each."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN_FOLDERS = ("builtin_plugins", "contrib")


def nodes(tree: ast.AST, *, typing: bool) -> Iterator[ast.AST]:
    """Every node below `tree`."""
    for node in ast.iter_child_nodes(tree):
        if typing or not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield node
            yield from nodes(node, typing=typing)


@dataclass(frozen=True)
class Module:
    """One Python file of a member's `src`, by its dotted name."""

    name: str
    path: Path

    def nodes(self, *, typing: bool = True) -> Iterator[ast.AST]:
        """Every node of the file; without `typing`, those under `if TYPE_CHECKING:` are left out."""
        return nodes(ast.parse(self.path.read_text()), typing=typing)


@dataclass(frozen=True)
class Member:
    """A folder of the workspace that builds a distribution."""

    folder: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """Its pyproject.toml."""
        return tomllib.loads((self.folder / "pyproject.toml").read_text())

    @property
    def word(self) -> str:
        """The one word that names it everywhere."""
        return "example" if self.folder.name == "plugin_template" else self.folder.name

    @property
    def package(self) -> str:
        """The import name that the word asks for."""
        return f"llmgate_{self.word}"

    @property
    def is_plugin(self) -> bool:
        """Whether the loader finds it by an entry point."""
        return self.word not in {"core", "cli", "native"}

    def modules(self) -> list[Module]:
        """Every Python file under `src`."""
        src = self.folder / "src"
        found = []
        for path in sorted(src.rglob("*.py")):
            parts = path.relative_to(src).with_suffix("").parts
            found.append(Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
        return found

    def imports(self, within: str, *, typing: bool = True) -> dict[str, set[str]]:
        """Dotted names that files under `within` ("src", "tests") import absolutely, each with those files.

        Without `typing`, names that only annotations need (under `if TYPE_CHECKING:`) are left out.
        """
        found: dict[str, set[str]] = {}
        for path in sorted((self.folder / within).rglob("*.py")):
            for node in nodes(ast.parse(path.read_text()), typing=typing):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names = [node.module]
                for name in names:
                    found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
        return found


def _members() -> list[Member]:
    folders = [ROOT / "core", ROOT / "cli", ROOT / "native", ROOT / "plugin_template"]
    for parent in PLUGIN_FOLDERS:
        folders += sorted(path.parent for path in (ROOT / parent).glob("*/pyproject.toml"))
    return [Member(folder) for folder in folders]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once per member or plugin when it asks for one."""
    members = _members()
    if "member" in metafunc.fixturenames:
        metafunc.parametrize("member", members, ids=lambda m: m.word)
    if "plugin" in metafunc.fixturenames:
        metafunc.parametrize("plugin", [m for m in members if m.is_plugin], ids=lambda m: m.word)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def members() -> list[Member]:
    """All of the workspace's members."""
    return _members()


@pytest.fixture(scope="session")
def core() -> Member:
    """The member that everything rests on."""
    return Member(ROOT / "core")


@pytest.fixture(scope="session")
def python_files(committed: list[Path]) -> list[Path]:
    """Every Python file of the repository."""
    return [path for path in committed if path.suffix == ".py"]


@pytest.fixture(scope="session")
def committed(root: Path) -> list[Path]:
    """Every file that git tracks, or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout: which files belong to the repository cannot be told")
    names = {name for name in listing.stdout.split("\0") if name}
    return sorted(root / name for name in names if (root / name).is_file())
