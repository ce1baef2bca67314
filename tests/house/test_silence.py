"""Nothing is silent: an error that is caught is handled, told or explained; a test says what it is for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BROAD = {"Exception", "BaseException"}


def caught(handler: ast.expr | None) -> set[str]:
    """Names of the classes that an except clause or a suppress() catches; a bare except catches everything."""
    if handler is None:
        return set(BROAD)
    return {ast.unparse(node) for node in (handler.elts if isinstance(handler, ast.Tuple) else [handler])}


def does_something(handler: ast.ExceptHandler) -> bool:
    """Whether the block raises, calls, or looks at the error."""
    nodes = [node for statement in handler.body for node in ast.walk(statement)]
    return any(isinstance(node, (ast.Raise, ast.Call, ast.Assign)) for node in nodes) or any(
        isinstance(node, ast.Name) and node.id == handler.name for node in nodes
    )


def silent_places(source: str) -> list[int]:
    """Lines where a broad catch does nothing, or where any catch is a bare `pass` without a comment that says why."""
    rows = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            text = "".join(rows[node.lineno - 1 : node.body[-1].end_lineno])
            empty = all(isinstance(statement, (ast.Pass, ast.Expr)) for statement in node.body)
            broad = bool(caught(node.type) & BROAD)
            if not does_something(node) and (broad or (empty and "#" not in text)):
                found.append(node.lineno)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            found += [node.lineno for argument in node.args if ast.unparse(argument) in BROAD]
    return sorted(found)


def test_no_error_is_swallowed(python_files: list[Path], root: Path) -> None:
    """No file has an except that hides what it caught."""
    found = {str(path.relative_to(root)): silent_places(path.read_text()) for path in python_files}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    ("block", "silent"),
    [
        ("except Exception:\n    pass", True),
        ("except:\n    ...", True),
        ("except (OSError, Exception):\n    return_value = None", False),
        ("except Exception as error:\n    log(error)", False),
        ("except OSError:\n    pass", True),
        ("except OSError:\n    pass  # the file may be gone: that is what we wanted", False),
        ("except BaseException:\n    raise", False),
        ("finally:\n    with suppress(Exception):\n        f()", True),
    ],
)
def test_rule_tells_silence_from_handling(block: str, *, silent: bool) -> None:
    """The rule finds a hidden error however it is written, and lets handled or explained ones be."""
    assert bool(silent_places(f"try:\n    f()\n{block}")) is silent


def test_every_test_says_what_it_is_for(python_files: list[Path], root: Path) -> None:
    """Every test function has a docstring that starts with one whole line."""
    missing = []
    for path in python_files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                first = (ast.get_docstring(node) or "").partition("\n")[0]
                if not first.endswith((".", "?", "!")):
                    missing.append(f"{path.relative_to(root)}:{node.lineno} {node.name}")
    assert missing == []
