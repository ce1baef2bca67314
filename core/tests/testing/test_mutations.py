"""What bad input is made of: every alteration of a document comes, each once, and the document stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from llmgate_core.testing.mutations import alterations


@pytest.mark.parametrize(
    ("document", "values", "names", "altered"),
    [
        ({"a": 1}, [None], [], [{"a": None}, {}]),
        ({"a": 1}, [None, []], ["a", "b"], [{"a": None}, {"a": []}, {}, {"a": 1, "b": None}, {"a": 1, "b": []}]),
        ([1, 2], ["x"], ["b"], [["x", 2], [2], [1, "x"], [1]]),
        ({"a": [{}]}, [0], ["b"], [{"a": 0}, {}, {"a": [{}], "b": 0}, {"a": [0]}, {"a": []}, {"a": [{"b": 0}]}]),
        ({}, [None], [], []),
        (1, [None], ["b"], []),
    ],
)
def test_all_that_one_alteration_can_make(document: Any, values: list[Any], names: list[str], altered: Any) -> None:
    """Values are replaced and taken out, names are added where they are not, at every depth; one at a time."""
    before = repr(document)
    assert list(alterations(document, values, names)) == altered
    assert repr(document) == before


def test_alterations_share_nothing() -> None:
    """Whoever takes one may write into it."""
    value: list[str] = []
    document: dict[str, list[str]] = {"a": [], "b": []}
    for altered in alterations(document, [value], ["c"]):
        for inner in altered.values():
            inner.append("written")
    assert document == {"a": [], "b": []}
    assert value == []
