"""The contract about the start passes for a dialect that loads late what it says, and fails for one that does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from llmgate_core.dialect import Dialect
from llmgate_core.testing.contracts.start import StartContract

SOURCE = """
import nowhere_else.early
from llmgate_core.testing.plain import PlainDialect

class Patient(PlainDialect):
    def prepare(self) -> None:
        import nowhere_else.late
"""


@pytest.fixture
def dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialect]:
    """One that loads a module early and another late."""
    package = tmp_path / "nowhere_else"
    package.mkdir()
    for name, source in {"__init__": "", "early": "", "late": "", "patient": SOURCE}.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    made = import_module("nowhere_else.patient").Patient()
    assert isinstance(made, Dialect)
    yield made
    for name in [name for name in sys.modules if name.startswith("nowhere_else")]:
        del sys.modules[name]


def held_to(dialect: Dialect, *late: str) -> None:
    """The contract with these modules."""
    contract = StartContract()
    contract.loads_late = late  # type: ignore[misc]  # on this instance alone
    contract.test_what_can_wait_is_loaded_by_prepare(dialect)


def test_late_module_passes(dialect: Dialect) -> None:
    """What `prepare()` loads may be promised; and nothing of it comes into this process."""
    held_to(dialect, "nowhere_else.late")
    assert "nowhere_else.late" not in sys.modules


def test_module_loaded_early_is_found(dialect: Dialect) -> None:
    """An import at the top of a module breaks the promise."""
    with pytest.raises(AssertionError, match=r"loaded before prepare\(\): nowhere_else\.early"):
        held_to(dialect, "nowhere_else.early", "nowhere_else.late")


def test_module_never_loaded_is_found(dialect: Dialect) -> None:
    """So does a name that nothing loads."""
    with pytest.raises(AssertionError, match=r"not loaded by prepare\(\): nowhere_else\.gone"):
        held_to(dialect, "nowhere_else.gone", "nowhere_else.late")
