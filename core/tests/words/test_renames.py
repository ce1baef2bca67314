"""Names a wire format does not allow: renamed one to one, the same in every process."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.renames import Renames

names = st.text(max_size=80) | st.text("abc_-. /", max_size=80)


@given(st.lists(names, unique=True, max_size=20))
def test_one_to_one_and_legal(many: list[str]) -> None:
    """Every name gets a legal one, no two the same, and each comes back as it was."""
    renames = Renames()
    wire = [renames.to_wire(name) for name in many]
    assert len(set(wire)) == len(many)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", one) for one in wire)
    assert [renames.to_client(one) for one in wire] == many


@given(names, st.lists(names, max_size=5))
def test_order_and_company_do_not_matter(name: str, others: list[str]) -> None:
    """A name's rename depends on nothing but the name."""
    renames = Renames()
    for other in others:
        renames.to_wire(other)
    assert renames.to_wire(name) == Renames().to_wire(name)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_legal_names_stay(name: str) -> None:
    """What fits is not touched."""
    assert Renames().to_wire(name) == name


def test_invented_names_stay() -> None:
    """A name the model made up comes to the client as it is."""
    assert Renames().to_client("made_up") == "made_up"


def test_other_alphabets_and_lengths() -> None:
    """A wire format with its own rules gets names of its own."""
    renames = Renames("a-z.", 12)
    wire = renames.to_wire("Tool: one.two.three")
    assert len(wire) <= 12
    assert renames.to_client(wire) == "Tool: one.two.three"


def test_same_in_every_process() -> None:
    """The hash seed of Python changes nothing: providers' prompt caches see the same bytes."""
    script = "from llmgate_core.renames import Renames; print(Renames().to_wire('a tool: été'))"
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert told == {f"{Renames().to_wire('a tool: été')}\n".encode()}
