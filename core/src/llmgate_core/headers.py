"""A provider's headers, read only where somebody looks.

An answer carries ten to thirty of them and a gateway needs two; but a provider sends the same names in the same order each
time. So the names are understood once per *shape* (the tuple of names as they came), and values are decoded when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_MOST_SHAPES: Final = 512


class HeaderChoice:
    """Which headers to take, by name; a trailing ``*`` is a wildcard. One per dialect, made at start."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
        self._prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))

    def takes(self, name: str) -> bool:
        """Whether the header (lower-case name) is one of them."""
        return name in self._names or name.startswith(self._prefixes)

    def of(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers to take, as a new dict."""
        if type(headers) is WireHeaders:
            return headers.chosen(self)
        return {name: value for name, value in headers.items() if self.takes(name)}


class _Shape:
    """The lower-case names of an answer's headers, in order, and where each choice finds what it takes."""

    __slots__ = ("encoding", "names", "taken")

    def __init__(self, raw: Sequence[bytes]) -> None:
        self.names = tuple(name.decode("latin-1").lower() for name in raw)
        self.encoding = next((at for at, name in enumerate(self.names) if name == "content-encoding"), None)
        self.taken: dict[HeaderChoice, tuple[tuple[int, str], ...]] = {}


class Shapes:
    """The shapes met so far, a bounded number of them."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], _Shape] = {}

    def headers(self, raw: Mapping[bytes, bytes]) -> WireHeaders:
        """The headers of one answer. ``raw`` is copied."""
        names = tuple(raw)
        shape = self._known.get(names)
        if shape is None:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            shape = self._known[names] = _Shape(names)
        return WireHeaders(shape, tuple(raw.values()))


class WireHeaders(Mapping[str, str]):
    """Headers as they came, by lower-case name. Of a name sent twice the last counts."""

    __slots__ = ("_read", "_shape", "_values")

    def __init__(self, shape: _Shape, values: tuple[bytes, ...]) -> None:
        self._shape = shape
        self._values = values
        self._read: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._read is None:
            values = [value.decode("latin-1") for value in self._values]
            self._read = dict(zip(self._shape.names, values, strict=True))
        return self._read

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    @property
    def content_encoding(self) -> str:
        """What the body is compressed with; ``identity`` when it is not."""
        at = self._shape.encoding
        return "identity" if at is None else self._values[at].decode("latin-1")

    def chosen(self, choice: HeaderChoice) -> dict[str, str]:
        """What ``choice`` takes, without looking at the rest."""
        taken = self._shape.taken.get(choice)
        if taken is None:
            names = self._shape.names
            taken = tuple((at, name) for at, name in enumerate(names) if choice.takes(name))
            self._shape.taken[choice] = taken
        values = self._values
        return {name: values[at].decode("latin-1") for at, name in taken}
