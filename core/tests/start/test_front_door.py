"""`llmgate_core` itself: a front door that loads a name when it is asked for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import llmgate_core


def told_to_type_checkers() -> dict[str, str]:
    """Each name that stands under `if TYPE_CHECKING:`, with its module."""
    tree = ast.parse(Path(llmgate_core.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    found = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"llmgate_core.{node.module}" for node in found for alias in node.names}


def test_every_name_is_what_type_checkers_are_told() -> None:
    """Each public name is that of the module it is imported from, and none is missing on either side."""
    told = told_to_type_checkers()
    assert sorted(told) == sorted(llmgate_core.__all__)
    for name, module in told.items():
        assert getattr(llmgate_core, name) is getattr(importlib.import_module(module), name)


def test_unknown_name_is_refused() -> None:
    """A typo is an AttributeError, and an ImportError where it is imported."""
    with pytest.raises(AttributeError, match=r"module 'llmgate_core' has no attribute 'Exchnage'"):
        llmgate_core.Exchnage  # type: ignore[attr-defined]  # noqa: B018 - the typo
    with pytest.raises(ImportError, match="Exchnage"):
        exec("from llmgate_core import Exchnage")


def test_names_are_listed() -> None:
    """`dir()` shows what has not been loaded yet."""
    assert set(llmgate_core.__all__) <= set(dir(llmgate_core))


def test_import_loads_nothing_else() -> None:
    """Importing the package loads none of its modules and nothing from outside the standard library."""
    code = "import sys; before = set(sys.modules); import llmgate_core; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}
    assert loaded == {"llmgate_core"}
