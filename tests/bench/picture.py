"""The picture for the docs: CPU time per request on a logarithmic scale, as SVG that follows the reader's light or dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from .summary import Row
from .workloads import WORKLOADS

WIDTH: Final = 780
LEFT: Final = 92
RIGHT: Final = 160
BAR: Final = 18
STEP: Final = 23
STYLE: Final = """\
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px } .small { font-size: 11.5px; fill: #59636e }
    .group { font-weight: 600 } .grid { stroke: #d1d9e0; stroke-width: 1 }
    .llmgate { fill: #0a6cd6 } .haproxy { fill: #7d8590 } .other { fill: #c9a26b }
    .range { stroke: #1f2328; stroke-width: 1.5 } .back { fill: #ffffff }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #30363d } .back { fill: #0d1117 }
      .llmgate { fill: #4493f8 } .haproxy { fill: #8b949e } .other { fill: #b08850 } .range { stroke: #e6edf3 }
    }
  </style>"""


def draw(rows: Sequence[Row]) -> str:
    """One group of bars for each workload. A bar ends at the median; the thin line goes from the least to the most."""
    groups = [(w, [r for r in rows if r.workload == w.name and r.cpu.least > 0]) for w in WORKLOADS]
    groups = [(workload, those) for workload, those in groups if those]
    shown = [row for _, those in groups for row in those]
    low = 10 ** math.floor(math.log10(min(row.cpu.least for row in shown)))
    high = max(row.cpu.most for row in shown)
    scale = (WIDTH - LEFT - RIGHT) / math.log10(high / low)

    def x(value: float) -> float:
        return LEFT + scale * math.log10(max(value, low) / low)

    lines, y = [], 62
    for workload, those in groups:
        lines.append(f'  <text class="group" x="12" y="{y + 13}">{escape(workload.name)}</text>')
        lines.append(f'  <text class="small" x="{LEFT + 48}" y="{y + 13}">{escape(workload.says)}</text>')
        y += 20
        for row in those:
            lines += _bar(row, x(low), x(row.cpu.median), (x(row.cpu.least), x(row.cpu.most)), y)
            y += STEP
        y += 14
    grid = []
    for power in range(round(math.log10(low)), math.ceil(math.log10(high)) + 1):
        if 10**power <= high:
            at = x(10**power)
            grid.append(f'  <line class="grid" x1="{at:.1f}" y1="58" x2="{at:.1f}" y2="{y}"/>')
            grid.append(f'  <text class="small" x="{at:.1f}" y="{y + 14}" text-anchor="middle">{10**power:,} µs</text>')
    height = y + 26
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
            "  <title>CPU time of the gateway per request</title>",
            STYLE,
            f'  <rect class="back" width="{WIDTH}" height="{height}" rx="6"/>',
            '  <text class="title" x="12" y="24">CPU time of the gateway per request</text>',
            '  <text class="small" x="12" y="43">microseconds, logarithmic; shorter is better; × is the ratio to HAProxy</text>',
            *grid,
            *lines,
            "</svg>",
            "",
        ]
    )


def _bar(row: Row, start: float, end: float, spread: tuple[float, float], y: int) -> list[str]:
    kind = row.contestant if row.contestant in {"llmgate", "haproxy"} else "other"
    middle = y + BAR / 2
    ratio = ""
    if row.ratio and row.contestant != "haproxy":
        ratio = f" · {row.ratio.median:,.{0 if row.ratio.median >= 100 else 1}f}×"
    return [
        f'  <text class="small" x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(row.contestant)}</text>',
        f'  <rect class="{kind}" x="{start:.1f}" y="{y}" width="{max(end - start, 1):.1f}" height="{BAR}" rx="2"/>',
        f'  <line class="range" x1="{spread[0]:.1f}" y1="{middle}" x2="{spread[1]:.1f}" y2="{middle}"/>',
        f'  <text x="{max(end, spread[1]) + 8:.1f}" y="{y + 14}">{row.cpu.median:,.0f} µs{ratio}</text>',
    ]
