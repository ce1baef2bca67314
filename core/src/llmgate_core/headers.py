"""A provider's headers, read only where somebody looks.

An answer carries ten to thirty of them and a gateway needs two; but a provider sends the same names in the same order each
time. So the names are understood once per *shape* (the tuple of names as they came), and values are decoded when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class HeaderChoice:
    """Which headers to take, by name; a trailing ``*`` is a wildcard. One per dialect, made at start."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
        self._prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))

    def takes(self, name: str) -> bool:
        """Whether the header (lower-case name) is one of them."""
        return name in self._names or name.startswith(self._prefixes)

    def _takes_item(self, item: tuple[str, str]) -> bool:
        return self.takes(item[0])

    def of(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers to take, as a new dict; of :class:`WireHeaders` without looking at the rest."""
        if type(headers) is not WireHeaders:
            return dict(filter(self._takes_item, headers.items()))
        shape, values, told = headers.shape, headers.values_sent, {}
        for at, name in shape.taken.get(self) or shape.take(self):
            told[name] = values[at].decode("latin-1")
        return told


class Shape:
    """The lower-case names of an answer's headers, in order, and where each choice finds what it takes."""

    __slots__ = ("encoding", "looked_at", "names", "taken")

    def __init__(self, raw: Sequence[bytes]) -> None:
        self.names = tuple(name.decode("latin-1").lower() for name in raw)
        self.encoding = next((at for at, name in enumerate(self.names) if name == "content-encoding"), None)
        self.looked_at = False  # whether it was tried to know answers of this shape by their bytes
        self.taken: dict[HeaderChoice, tuple[tuple[int, str], ...]] = {}

    def take(self, choice: HeaderChoice) -> tuple[tuple[int, str], ...]:
        """The places of what ``choice`` takes, and the names there. Looked for once."""
        taken = self.taken[choice] = tuple((at, name) for at, name in enumerate(self.names) if choice.takes(name))
        return taken


class WireHeaders(Mapping[str, str]):
    """Headers as they came, by lower-case name. Of a name sent twice the last counts."""

    __slots__ = ("_read", "shape", "values_sent")

    def __init__(self, shape: Shape, values: tuple[bytes, ...]) -> None:
        self.shape = shape
        self.values_sent = values
        self._read: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._read is None:
            values = [value.decode("latin-1") for value in self.values_sent]
            self._read = dict(zip(self.shape.names, values, strict=True))
        return self._read

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())
