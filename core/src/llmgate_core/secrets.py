"""A value that must not be seen: masked wherever text is made of it."""

from __future__ import annotations

import hashlib
from typing import Final

MASK: Final = "********"


class Secret:
    """Wraps a secret string. Only :meth:`reveal` gives the value; repr, str and format give a mask.

    Pickling is refused, because a pickle is a place where nobody looks for a key.
    """

    __slots__ = ("_digest", "_value", "source")

    def __init__(self, value: str, source: str = "config") -> None:
        self._value = value
        self._digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
        self.source = source

    def reveal(self) -> str:
        """The value itself. Call it only where the value goes on the wire."""
        return self._value

    @property
    def digest(self) -> bytes:
        """SHA-256 of the value: compare these (constant length) instead of the values."""
        return self._digest

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell two secrets apart in logs and metrics."""
        return self._digest.hex()[:8]

    def __repr__(self) -> str:
        return f"Secret({MASK!r}, source={self.source!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled; pass its source (env or file) instead")
