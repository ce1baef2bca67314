"""Names a wire format does not allow, renamed for one request and restored in its answer.

The same names give the same renames in any order of use and in any process: providers' prompt caches depend on it.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache


@cache
def _outside(allowed: str) -> re.Pattern[str]:
    """Compiled once for each wire format, of which there are few."""
    return re.compile(f"[^{allowed}]")


class Renames:
    """A bijection between the client's names and names of the characters in ``allowed``, at most ``longest`` long.

    ``allowed`` is the inside of a character class: ``A-Za-z0-9_-``. A name that fits stays as it is; another gets its
    illegal characters replaced and a hash of the original appended, so that two names never meet.
    """

    __slots__ = ("_back", "_illegal", "_longest")

    def __init__(self, allowed: str = "A-Za-z0-9_-", longest: int = 64) -> None:
        self._illegal = _outside(allowed)
        self._longest = longest
        self._back: dict[str, str] = {}

    def to_wire(self, name: str) -> str:
        """The client's name → the one the provider sees."""
        if name and len(name) <= self._longest and not self._illegal.search(name):
            wire = name
        else:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            wire = f"{self._illegal.sub('_', name)[: self._longest - 9]}_{digest}"
        self._back[wire] = name
        return wire

    def to_client(self, wire: str) -> str:
        """The provider's name → the client's. A name that was never renamed (the model made it up) stays."""
        return self._back.get(wire, wire)
