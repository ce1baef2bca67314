"""Bad input for codecs: a true document in which something is missing, or something else stands in its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]
MISSING = object()


def mutated(document: Any) -> st.SearchStrategy[Any]:
    """``document`` with one or two of its values replaced by odd ones, or taken out."""
    paths = list(_paths(document))
    change = st.tuples(st.sampled_from(paths), odd_values())
    return st.lists(change, min_size=1, max_size=2).map(lambda changes: _changed(document, changes))


def odd_values() -> st.SearchStrategy[Any]:
    """What clients and providers have been seen to send where something else was due."""
    plain = [MISSING, None, True, False, 0, -1, 3.5, 10**20, "", " ", "x", "0", [], {}, [None], [[]], [{}], ["x"]]
    return st.one_of(
        st.sampled_from([*plain, {"type": None}, {"type": "x"}, [{"type": "text"}], {"text": 1}]),
        st.text(max_size=4),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
            max_leaves=4,
        ),
    )


def _paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """The paths of all values inside; of the document itself only when it holds nothing."""
    if at or not isinstance(value, (dict, list)):
        yield at
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _paths(inner, (*at, name))


def _changed(document: Any, changes: list[tuple[Path, Any]]) -> Any:
    for path, value in changes:
        document = _put(document, path, value)
    return {} if document is MISSING else document


def _put(document: Any, path: Path, value: Any) -> Any:
    """A copy with ``value`` at ``path``; unchanged when an earlier change took that place away."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(document, dict) and first in document:
        inner = _put(document[first], rest, value)
        return {k: inner if k == first else v for k, v in document.items() if k != first or inner is not MISSING}
    if isinstance(document, list) and isinstance(first, int) and first < len(document):
        inner = _put(document[first], rest, value)
        return [inner if k == first else v for k, v in enumerate(document) if k != first or inner is not MISSING]
    return document
