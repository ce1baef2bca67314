"""No module-level mutable state: two gateways can live in one process and know nothing of each other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.conftest import Member

DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp)
# calls whose value changes while the process lives, by the last part of the name
MUTABLE = {
    *("dict", "list", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter", "count", "cycle", "local"),
    *(
        "WeakKeyDictionary",
        "WeakValueDictionary",
        "WeakSet",
        "ContextVar",
        "Lock",
        "RLock",
        "Event",
        "Queue",
        "Semaphore",
    ),
    *("Random", "Converter", "make_converter", "PluginManager", "CollectorRegistry", "open"),
}
FREEZERS = {"MappingProxyType", "frozenset", "tuple"}
ALLOWED_NAMES = {"__all__", "__slots__"}


def last_name(node: ast.expr) -> str:
    """`collections.deque` and `deque` are both `deque`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_mutable(value: ast.expr) -> bool:
    """Whether an expression makes a value that can change afterwards, as far as its text tells."""
    if isinstance(value, DISPLAYS):
        return True
    if isinstance(value, ast.Call):
        return last_name(value.func) in MUTABLE and last_name(value.func) not in FREEZERS
    if isinstance(value, ast.Tuple):
        return any(is_mutable(element) for element in value.elts)
    if isinstance(value, (ast.BinOp, ast.BoolOp, ast.IfExp, ast.NamedExpr)):
        return any(is_mutable(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr))
    return False


def module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import: also those inside if, try, for and with, but not in functions or classes."""
    for node in body:
        yield node
        for block in ("body", "orelse", "finalbody"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from module_level(getattr(node, block, []))
        for handler in getattr(node, "handlers", []):
            yield from module_level(handler.body)


def mutable_names(source: str) -> list[str]:
    """Names that a module binds on import to something that can change, and names that functions rebind."""
    tree = ast.parse(source)
    found = [f"global {name}" for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names]
    for node in module_level(tree.body):
        if isinstance(node, ast.Assign):
            bound, value = [ast.unparse(target) for target in node.targets], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            bound, value = [ast.unparse(node.target)], node.value
        else:
            continue
        if is_mutable(value):
            found += [name for name in bound if name not in ALLOWED_NAMES]
    return found


def test_member_has_no_mutable_state_in_its_modules(member: Member) -> None:
    """Tables are tuples, frozensets or MappingProxyType; whatever changes belongs to a gateway's instance."""
    found = {module.name: mutable_names(module.path.read_text()) for module in member.modules()}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("cache = {}", ["cache"]),
        ("seen: set[str] = set()", ["seen"]),
        ("if True:\n    queue = collections.deque()", ["queue"]),
        ("try:\n    pass\nexcept OSError:\n    rows = [1]", ["rows"]),
        ("pairs = ([1], 2)", ["pairs"]),
        ("rows = [1] + [2]", ["rows"]),
        ("total = 0\ndef f():\n    global total\n    total = 1", ["global total"]),
        ("__all__ = ['x']", []),
        ("TABLE = MappingProxyType({'a': 1})", []),
        ("WORDS = frozenset({'a'})", []),
        ("ROWS = tuple(x for x in 'ab')", []),
        ("def f():\n    rows = []", []),
    ],
)
def test_rule_tells_state_from_tables(source: str, names: list[str]) -> None:
    """The rule finds every common way to keep state in a module, and lets frozen tables be."""
    assert mutable_names(source) == names
