"""Numbers that grow, kept where adding costs least: a cell is resolved once, then only added to.

prometheus-client reads them at a scrape (``scrape``) and never takes part in a request: its own counters cost several
times more, and are bound to the process instead of to one gateway.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from attrs import define, field

Labels = tuple[str, ...]

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
FINE_SECONDS: Final = (
    *(0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)


class Cell:
    """One counter: ``cell.value += 1``."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0  # whole as long as what is added is: that adds quicker


class Buckets:
    """One histogram.

    ``counts[i]`` is how many values were at most ``bounds[i]`` and above the bound before it; the last one counts the rest.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    @property
    def texts(self) -> list[str]:
        """The upper bounds as label values."""
        return [*map(repr, self.bounds), "+Inf"]

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: list[float]) -> None:
        """Count many values: one pass over the bounds instead of one for each. The list is sorted."""
        if len(values) < len(self.bounds):
            for value in values:
                self.observe(value)
            return
        self.sum = sum(values, self.sum)
        values.sort()
        below = 0
        for at, bound in enumerate(self.bounds):
            up_to = bisect_right(values, bound, below)
            self.counts[at] += up_to - below
            below = up_to
        self.counts[-1] += len(values) - below


@define
class Counters:
    """A family of counters. ``name`` is without the ``_total`` that its samples end in."""

    name: str
    help: str
    labels: Labels
    cells: dict[Labels, Cell] = field(factory=dict)

    def cell(self, *values: str) -> Cell:
        """The counter with these label values, made on first use."""
        return self.cells.get(values) or self.cells.setdefault(values, Cell())


@define
class Histograms:
    """A family of histograms."""

    name: str
    help: str
    labels: Labels
    bounds: Sequence[float]
    cells: dict[Labels, Buckets] = field(factory=dict)

    def cell(self, *values: str) -> Buckets:
        """The histogram with these label values, made on first use."""
        return self.cells.get(values) or self.cells.setdefault(values, Buckets(self.bounds))


@define
class Reading:
    """What a gauge says now: ``(label values, value)`` pairs."""

    name: str
    help: str
    labels: Labels
    values: Sequence[tuple[Labels, float]]
