"""Bad input for codecs: a true document in which something is missing, or something else stands in its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
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


def alterations(document: Any, values: Sequence[Any], names: Sequence[str] = ()) -> Iterator[Any]:
    """Every ``document`` in which one thing is altered: a value of it replaced by one of ``values`` or taken out, or one of
    ``names`` set in an object that had no such field. ``values`` are JSON's; what comes shares nothing with them or ``document``.
    """
    for number, place in enumerate(_places(document)):
        keys: list[Any] = list(dict.fromkeys([*place, *names])) if isinstance(place, dict) else list(range(len(place)))
        for key in keys:
            absent = isinstance(place, dict) and key not in place
            for value in values if absent else [*values, MISSING]:
                whole = copy.deepcopy(document)
                spot = _places(whole)[number]
                if value is MISSING:
                    del spot[key]
                else:
                    spot[key] = copy.deepcopy(value)
                yield whole


def _places(value: Any) -> list[Any]:
    """Every object and array in a document, itself first."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [place for item in inner for place in _places(item)]
    return [value, *found] if isinstance(value, (dict, list)) else found


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
