"""The rooms of the core, from the ground up: imports point down, never in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Member, Module

# Ground floor first. A module may import from its own floor and from those below it. A new module is entered here,
# by its name or its folder's, by whoever builds it: where does it belong?
FLOORS = (
    (
        "words",
        (
            "deadline decisions errors events frames headers jsonfields messages native renames resets secrets structs "
            "tokens upstream_errors usage values wirevalues"
        ),
    ),
    (
        "contract",
        (
            "assembly canonical dialect endpoints exchange hookspecs plugin provider rejections request responder response "
            "upstream upstream_limits"
        ),
    ),
    ("start-up", "chains config hooks plugins registry strict"),
    ("the way", "attempts calls feeds gateway intake lifespan relay routes"),
    ("opening", "startup"),
    ("wire", "wire"),
    ("kit", "testing"),
)


def room(dotted: str) -> str:
    """`llmgate_core.wire.server` is in the room `wire`; the package itself is in the room ''."""
    return [*dotted.split("."), ""][1]


def floor(name: str) -> int:
    """The index of the floor that a room is on."""
    (found,) = [index for index, (_, rooms) in enumerate(FLOORS) if name in rooms.split()]
    return found


def targets(module: Module) -> set[str]:
    """Dotted names of core that a module imports at run time."""
    is_package = module.path.name == "__init__.py"
    found: set[str] = set()
    for node in module.nodes(typing=False):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = module.name.split(".")
            base = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == module.name.split(".")[0]}


@pytest.fixture(scope="module")
def graph(core: Member) -> dict[str, set[str]]:
    """Each module of core with the modules of core that it imports; the package's own front door is left out."""
    modules = {m.name: m for m in core.modules()}
    found = {}
    for name, module in modules.items():
        edges = {t if t in modules else t.rpartition(".")[0] for t in targets(module)}
        found[name] = edges - {name, core.package}
    del found[core.package]
    return found


def test_every_module_stands_on_a_floor(graph: dict[str, set[str]]) -> None:
    """Each room of core is entered in FLOORS, on one floor."""
    known = [name for _, rooms in FLOORS for name in rooms.split()]
    assert len(known) == len(set(known))
    assert sorted({room(name) for name in graph} - set(known)) == []


def test_imports_point_down(graph: dict[str, set[str]]) -> None:
    """No module imports from a floor above its own."""
    edges = [(name, target) for name, found in graph.items() for target in found]
    assert [(name, target) for name, target in edges if floor(room(target)) > floor(room(name))] == []


def test_imports_go_in_no_circle(graph: dict[str, set[str]]) -> None:
    """The modules of core can be sorted so that each one imports only earlier ones."""
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_only_the_wire_knows_aiohttp(core: Member) -> None:
    """Nothing above the wire sees an aiohttp object; only the wire and the kit import it."""
    files = {
        file for name, found in core.imports("src").items() if name.partition(".")[0] == "aiohttp" for file in found
    }
    assert [f for f in sorted(files) if "/llmgate_core/wire/" not in f and "/llmgate_core/testing/" not in f] == []
