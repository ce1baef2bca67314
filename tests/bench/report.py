"""The tables, in Markdown that also reads well on a terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from .figures import Figures
from .readings import LATENCY
from .rounds import Outcome
from .summary import Row, Spread, rows
from .workloads import WORKLOADS, Workload

MB = 2**20


def tables(outcome: Outcome) -> str:
    """All tables of a run, each with a heading."""
    found = rows(outcome.readings)
    parts = []
    for workload in WORKLOADS:
        those = [row for row in found if row.workload == workload.name]
        if those:
            parts += [_heading(workload), table(_HEAD, [_cells(row) for row in those])]
    latencies = [row for row in found if row.workload == LATENCY]
    if latencies:
        parts += ["**latency**: unary-300B, open loop at a fixed rate; aim: p50 +0.15 ms, p99 +1 ms"]
        parts += [table(_LATENCY_HEAD, [_latency_cells(row) for row in latencies])]
    alone = list(_alone(outcome.figures))
    if alone:
        parts += ["**llmgate alone**, and how long the others take to listen", table(_ALONE_HEAD, alone)]
    parts += [f"{who} was not asked for {what}: {why}" for who, what, why in outcome.unable]
    return "\n\n".join(parts)


def _heading(workload: Workload) -> str:
    return (
        f"**{workload.name}**: {workload.says}; {workload.connections} connections, closed loop; "
        f"aim ≤ {workload.target:g}×, at best ≤ {workload.stretch:g}×"
    )


_HEAD = ("", "µs CPU/request", "× HAProxy", "req/s per core", "p50 ms", "p99 ms", "PSS MB", "failed", "")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.contestant,
        row.cpu.show(),
        row.ratio.show(digits=2) if row.ratio else "",
        f"{row.per_core:,.0f}",
        f"{row.p50.median * 1e3:,.2f}",
        f"{row.p99.median * 1e3:,.2f}",
        f"{row.pss / MB:,.0f}",
        f"{row.failed:,}",
        row.note,
    )


_LATENCY_HEAD = ("", "p50 ms", "p99 ms", "p50 added ms", "p99 added ms", "µs CPU/request", "failed", "")


def _latency_cells(row: Row) -> tuple[str, ...]:
    if row.note:
        return (row.contestant, "", "", "", "", "", f"{row.failed:,}", row.note)
    return (
        row.contestant,
        row.p50.show(1e3, 3),
        row.p99.show(1e3, 3),
        row.added50.show(1e3, 3) if row.added50 else "",
        row.added99.show(1e3, 3) if row.added99 else "",
        row.cpu.show() if row.cpu.most else "",
        f"{row.failed:,}",
        row.note,
    )


_ALONE_HEAD = ("", "measured", "aim")


def _alone(figures: Figures) -> Iterator[tuple[str, str, str]]:
    for name, seconds in figures.starts.items():
        aim = "≤ 0.5" if name == "llmgate" else ""
        yield f"{name}: exec to listening, s", Spread.of(seconds).show(digits=2), aim
    if figures.imports:
        yield "`import llmgate_core`, s", Spread.of(figures.imports).show(digits=3), "≤ 0.15"
    if figures.plugin:
        yield "one more no-op async plugin, µs per request", Spread.of(figures.plugin).show(digits=2), "≤ 0.3"
    if figures.workers:
        ratio = Spread.of(one.together / one.alone for one in figures.workers)
        uneven = Spread.of(
            max(one.connections) * len(one.connections) / sum(one.connections) - 1 for one in figures.workers
        )
        yield "`--workers 2`: CPU per request, × one worker", ratio.show(digits=2), "1"
        yield "`--workers 2`: busier worker's connections above its fair share, %", uneven.show(100, 0), "≤ 20"
    if figures.memory:
        first, last = figures.memory[0], figures.memory[-1]
        middle = statistics.median(size for _, size in figures.memory)
        yield (
            f"PSS MB: after {first[0]:,} requests, median, after {last[0]:,}",
            f"{first[1] / MB:.1f}–{middle / MB:.1f}–{last[1] / MB:.1f}",
            "≤ 60, flat",
        )


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns aligned; the first to the left, numbers to the right."""
    lines = [head, *body]
    used = [number for number in range(len(head)) if number == 0 or any(line[number] for line in body)]
    widths = {number: max(len(line[number]) for line in lines) for number in used}

    def row(cells: Sequence[str]) -> str:
        padded = (cells[n].ljust(widths[n]) if n == 0 else cells[n].rjust(widths[n]) for n in used)
        return f"| {' | '.join(padded)} |"

    rule = "|".join("-" * (widths[n] + 2) if n == 0 else "-" * (widths[n] + 1) + ":" for n in used)
    return "\n".join([row(head), f"|{rule}|", *(row(cells) for cells in body)])
