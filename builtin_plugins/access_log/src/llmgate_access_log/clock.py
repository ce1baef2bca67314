"""Points in time and durations as a line tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor
from typing import Final

MILLISECONDS: Final = tuple(f"{number:03d}Z" for number in range(1000))
"""The end of a time, by the milliseconds of its second."""
_MOST_SECONDS: Final = 256


class Clock:
    """Unix time as text. ``seconds`` are those met: each is formatted once, not for every request that arrived in it."""

    def __init__(self) -> None:
        self.seconds: dict[int, str] = {}

    def text(self, started: float) -> str:
        """RFC 3339 in UTC, with milliseconds."""
        second = floor(started)
        return (self.seconds.get(second) or self.second(second)) + MILLISECONDS[floor((started - second) * 1000)]

    def second(self, second: int) -> str:
        """A text's beginning. Requests end in another order than they arrived in: the last few seconds are remembered."""
        if len(self.seconds) >= _MOST_SECONDS:
            self.seconds.clear()
        text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        self.seconds[second] = text
        return text


def milliseconds(seconds: float) -> float:
    """Three decimals; ``round`` takes ten times as long, and ``int`` twice."""
    return floor(seconds * 1e6 + 0.5) / 1000
