"""What is written as TOML is read back the same."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llmgate_cli import tomltext

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(st.dictionaries(TEXT, VALUES, max_size=3), st.dictionaries(TEXT, st.dictionaries(TEXT, VALUES, max_size=3)))
def test_written_is_read_back(gateway: dict[str, Any], plugins: dict[str, dict[str, Any]]) -> None:
    """Any names, any nesting, lists of unlike things, control characters and all."""
    text = tomltext.document({"gateway": gateway, "plugins": plugins})
    read = tomllib.loads(text)
    assert read["gateway"] == gateway
    assert read.get("plugins", {}) == plugins


def test_shape_is_the_one_people_write() -> None:
    """A header for each section, inline tables below, nothing for None."""
    sections: dict[str, dict[str, Any]] = {
        "gateway": {"port": 1, "plugins": None},
        "providers": {"my lab": {"keys": [{"env": "A", "weight": 2.0}, "x"], "headers": {}}},
    }
    assert tomltext.document(sections) == (
        '[gateway]\nport = 1\n\n[providers."my lab"]\nkeys = [{ env = "A", weight = 2.0 }, "x"]\nheaders = {}\n'
    )
