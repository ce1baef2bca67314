"""The contract does not change by accident, and documents itself."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from llmgate_core.hookspecs import HOOK_API, HookSpecs, kinds, signature

SNAPSHOT = Path(__file__).parents[1] / "hook_api.json"
LINES = ("When: ", "Returns: ", "Default: ", "Raises: ", "Since: ")


def contract() -> dict[str, Any]:
    """The hooks as the snapshot holds them: arguments, kind and way of each."""
    hooks = {name: {**signature(name), "way_back": kind.way_back} for name, kind in kinds().items()}
    return {"HOOK_API": HOOK_API, "hooks": hooks}


def test_signatures_are_those_of_this_hook_api() -> None:
    """When this fails: raise HOOK_API if a released signature changed, then write the new contract into hook_api.json."""
    assert contract() == json.loads(SNAPSHOT.read_text("utf-8"))


def test_every_spec_has_a_kind_in_the_order_of_life() -> None:
    """The table of kinds and the specs are the same hooks in the same order."""
    specs = [name for name in vars(HookSpecs) if name.startswith("llmgate_")]
    assert list(kinds()) == specs


@pytest.mark.parametrize("name", kinds())
def test_hook_is_documented(name: str) -> None:
    """Purpose, and the five words that answer a plugin author's questions, in order."""
    text = " ".join((inspect.getdoc(getattr(HookSpecs, name)) or "").split())
    positions = [text.find(line) for line in LINES]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert positions[0] > 20
    assert re.search(r"Since: [1-9]\d*\.$", text)


@pytest.mark.parametrize("name", [name for name, kind in kinds().items() if kind.threads])
def test_threaded_argument_exists(name: str) -> None:
    """The argument that a chain hands on is one of the hook's."""
    assert kinds()[name].threads in signature(name)["arguments"]
