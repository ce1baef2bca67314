"""From readings to rows: least, median and most over the rounds, and the ratio to HAProxy in the same round."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from attrs import frozen

from .readings import DIRECT, LATENCY, Reading

BASE = "haproxy"


@frozen
class Spread:
    """Over the rounds."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        found = sorted(values)
        return cls(found[0], statistics.median(found), found[-1])

    def show(self, scale: float = 1.0, digits: int = 1) -> str:
        """`least–median–most`."""
        return "–".join(f"{value * scale:,.{digits}f}" for value in (self.least, self.median, self.most))


@frozen
class Row:
    """One contestant in one workload. ``cpu`` in µs, ``ratio`` to HAProxy's CPU, latencies in seconds, ``pss`` in bytes.

    In the latency workload, ``added50`` and ``added99`` are what it adds to asking the upstream directly in the same round.
    """

    workload: str
    contestant: str
    cpu: Spread
    ratio: Spread | None
    p50: Spread
    p99: Spread
    pss: float
    failed: int
    requests: int
    note: str
    added50: Spread | None = None
    added99: Spread | None = None

    @property
    def per_core(self) -> float:
        """Requests per second that one core could carry."""
        return 1e6 / self.cpu.median if self.cpu.median else 0.0


def rows(readings: Sequence[Reading]) -> list[Row]:
    """One row for each workload and contestant, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Reading]] = {}
    for reading in readings:
        groups.setdefault((reading.workload, reading.contestant), []).append(reading)
    return [_row(group, groups) for group in groups.values()]


def _row(group: Sequence[Reading], groups: dict[tuple[str, str], list[Reading]]) -> Row:
    answered = [one for one in group if one.requests] or group
    workload, contestant = group[0].workload, group[0].contestant
    base = {one.round: one for one in groups.get((workload, BASE), [])}
    direct = {one.round: one for one in groups.get((workload, DIRECT), [])}
    ratios = [one.cpu / base[one.round].cpu for one in answered if one.round in base and base[one.round].cpu]
    measured = contestant != DIRECT
    added = [
        (one.p50 - direct[one.round].p50, one.p99 - direct[one.round].p99) for one in answered if one.round in direct
    ]
    return Row(
        workload=workload,
        contestant=contestant,
        cpu=Spread.of(one.cpu for one in answered),
        ratio=Spread.of(ratios) if ratios and measured and workload != LATENCY else None,
        p50=Spread.of(one.p50 for one in answered),
        p99=Spread.of(one.p99 for one in answered),
        pss=statistics.median(one.pss for one in group),
        failed=sum(one.failed for one in group),
        requests=sum(one.requests for one in group),
        note="; ".join(dict.fromkeys(one.note for one in group if one.note)),
        added50=Spread.of(p50 for p50, _ in added) if added and measured else None,
        added99=Spread.of(p99 for _, p99 in added) if added and measured else None,
    )
