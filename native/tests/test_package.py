"""The package around the C: what it offers where it is built, and that it gives way where it is not."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import llmgate_native

STUB = Path(llmgate_native.__file__).with_name("_native.pyi")
TELL = "import llmgate_native; print(llmgate_native.native is None)"


@pytest.fixture
def built() -> ModuleType:
    """The extension module."""
    if llmgate_native.native is None:
        pytest.skip("llmgate-native is not built, or LLMGATE_PURE is set")
    return llmgate_native.native


def declared(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """What a stub, or a class in it, declares: functions, classes and attributes by their names."""
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def without(variable: str | None = None) -> str:
    """What a new process says: whether `native` is None, with LLMGATE_PURE set to this."""
    env = {name: value for name, value in os.environ.items() if name != "LLMGATE_PURE"}
    env |= {} if variable is None else {"LLMGATE_PURE": variable}
    return subprocess.check_output([sys.executable, "-W", "error", "-c", TELL], env=env, text=True).strip()


def test_pure_is_asked_for_by_a_variable() -> None:
    """LLMGATE_PURE=1 does without the C, though it is there."""
    assert without("1") == "True"


def test_an_empty_variable_asks_for_nothing() -> None:
    """LLMGATE_PURE= is as if it were not set."""
    assert without("") == without(None)


def test_stub_and_module_have_the_same_names(built: ModuleType) -> None:
    """Each function and type of the module is declared, as what it is, and each one declared is there."""
    stub = declared(ast.parse(STUB.read_text()).body)
    offered = {name: value for name, value in vars(built).items() if not name.startswith("__")}
    assert {name: isinstance(node, ast.ClassDef) for name, node in stub.items()} == {
        name: isinstance(value, type) for name, value in offered.items()
    }


def test_stub_and_types_have_the_same_members(built: ModuleType) -> None:
    """Each method and attribute that is declared is there, and each public one that is there is declared."""
    stub = declared(ast.parse(STUB.read_text()).body)
    for name, node in stub.items():
        if isinstance(node, ast.ClassDef):
            there = {member for member in vars(getattr(built, name)) if not member.startswith("_")}
            told = set(declared(node.body))
            assert {member for member in told if not member.startswith("_")} == there, name
            assert [member for member in told if not hasattr(getattr(built, name), member)] == [], name


def test_final_types_are_those_that_cannot_be_inherited(built: ModuleType) -> None:
    """`@final` stands in the stub where the C forbids a subclass, and nowhere else."""
    for name, node in declared(ast.parse(STUB.read_text()).body).items():
        if isinstance(node, ast.ClassDef):
            heir = True
            try:
                type("Heir", (getattr(built, name),), {})
            except TypeError:
                heir = False
            assert heir is not any(ast.unparse(mark) == "final" for mark in node.decorator_list), name
