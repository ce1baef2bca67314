"""Small rooms: what one person can read in one sitting."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house.conftest import Member

LONGEST = 400
MEDIAN = 120


def lines(path: Path) -> int:
    """Lines in a file."""
    return len(path.read_text().splitlines())


def test_no_file_is_longer_than_a_sitting(python_files: list[Path], root: Path) -> None:
    """No Python file, tests included, has more than 400 lines."""
    sizes = {str(path.relative_to(root)): lines(path) for path in python_files}
    assert {name: size for name, size in sizes.items() if size > LONGEST} == {}


def test_the_usual_file_fits_two_screens(members: list[Member]) -> None:
    """The median file of the members' sources has at most 120 lines."""
    assert statistics.median(lines(module.path) for member in members for module in member.modules()) <= MEDIAN


def test_plugin_metadata_is_short(plugin: Member) -> None:
    """A plugin's pyproject.toml has some 15 lines: it is meant to be copied by hand."""
    assert lines(plugin.folder / "pyproject.toml") <= 20
