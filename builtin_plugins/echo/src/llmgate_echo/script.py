"""What a model's name tells the echo to do: ``slow-2s``, ``cut-3``, ``fail-429`` …, joined with ``+``."""

from __future__ import annotations

import re
from typing import Final

from attrs import evolve, frozen

_PART: Final = re.compile(
    r"(?P<verb>echo|slow-words|slow|fail|cut|stall|refuse|empty)"
    r"(?:-(?P<what>[45]\d\d|connect|timeout|context|\d{1,4}))?"
    r"(?:-(?P<time>\d{1,4}(?:\.\d{1,3})?)(?P<unit>ms|s))?",
    re.ASCII,
)
_WITHOUT_STATUS: Final = frozenset({"connect", "timeout", "context"})


@frozen
class Script:
    """``delay`` before anything and ``word_delay`` before each word, in seconds; ``cut`` and ``stall`` after so many words.

    ``fail`` is a status, ``connect``, ``timeout`` or ``context``.
    """

    delay: float = 0.0
    word_delay: float = 0.0
    fail: str | None = None
    retry_after: float | None = None
    cut: int | None = None
    stall: int | None = None
    refuse: bool = False
    empty: bool = False


def parse(model: str, delay: float, word_delay: float, retry_after: float, words: int) -> Script | None:
    """A model's name → its script, with the config's values where the name gives none; None when it is no such name."""
    script = Script(retry_after=retry_after)
    for part in model.split("+"):
        match = _PART.fullmatch(part)
        changed = match and _apply(script, match, delay, word_delay, words)
        if not changed:
            return None
        script = changed
    return script


def _apply(script: Script, match: re.Match[str], delay: float, word_delay: float, words: int) -> Script | None:
    what = match["what"]
    seconds = None if match["time"] is None else float(match["time"]) / (1000 if match["unit"] == "ms" else 1)
    after = words if what is None else int(what) if what.isdigit() else None
    match match["verb"]:
        case "slow" if what is None:
            return evolve(script, delay=delay if seconds is None else seconds)
        case "slow-words" if what is None:
            return evolve(script, word_delay=word_delay if seconds is None else seconds)
        case "fail" if what is not None and (what in _WITHOUT_STATUS or 400 <= int(what) <= 599):
            return evolve(script, fail=what, retry_after=script.retry_after if seconds is None else seconds)
        case "cut" if after is not None and seconds is None:
            return evolve(script, cut=after)
        case "stall" if after is not None and seconds is None:
            return evolve(script, stall=after)
        case "echo" | "refuse" | "empty" as verb if what is None and seconds is None:
            return evolve(script, refuse=script.refuse or verb == "refuse", empty=script.empty or verb == "empty")
    return None
