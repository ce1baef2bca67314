"""Tables and picture from fixed readings."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.bench.figures import Figures, Workers
from tests.bench.picture import draw
from tests.bench.readings import Reading
from tests.bench.report import table, tables
from tests.bench.rounds import Outcome
from tests.bench.summary import rows


def reading(contestant: str, number: int, cpu: float, workload: str = "unary-300B", **more: float | str) -> Reading:
    """One measurement with a thousand requests."""
    values = {"requests": 1000, "failed": 0, "rate": 1000.0, "p50": 0.001, "p99": 0.002, "pss": 2**20, "busy": 0.5}
    return Reading(workload=workload, contestant=contestant, round=number, cpu=cpu, **{**values, **more})  # type: ignore[arg-type]


def cells(text: str, first: str) -> list[str]:
    """The cells of the line that begins with this one."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return next(line for line in lines if line[0] == first)


READINGS = (
    *(reading("haproxy", number, cpu) for number, cpu in ((1, 10.0), (2, 20.0), (3, 12.0))),
    *(reading("llmgate", number, cpu) for number, cpu in ((1, 30.0), (2, 40.0), (3, 48.0))),
)


def test_the_ratio_is_to_the_same_round() -> None:
    """40 µs in a noisy round where HAProxy took 20 are two times, not four."""
    ratio = rows(READINGS)[1].ratio
    assert ratio is not None
    assert (ratio.least, ratio.median, ratio.most) == (2.0, 3.0, 4.0)


def test_a_line_shows_least_median_and_most() -> None:
    """CPU and ratio as spreads, the rate that a core could carry from the median."""
    shown = cells(tables(Outcome(readings=list(READINGS))), "llmgate")
    assert shown[1:4] == ["30.0–40.0–48.0", "2.00–3.00–4.00", "25,000"]


def test_failures_are_added_up_and_shown() -> None:
    """Whatever was not answered with 2xx in any round stands in the line."""
    failing = [reading("llmgate", 1, 30.0, failed=2), reading("llmgate", 2, 30.0, failed=5)]
    assert "7" in cells(tables(Outcome(readings=failing)), "llmgate")


def test_a_round_without_an_answer_costs_nobody_nothing() -> None:
    """It is told in the notes of the run, and is no zero in the spread."""
    found = [reading("llmgate", 1, 0.0, requests=0), reading("llmgate", 2, 30.0)]
    assert cells(tables(Outcome(readings=found)), "llmgate")[1] == "30.0–30.0–30.0"


def test_latency_added_is_against_direct_in_the_same_round() -> None:
    """What the upstream itself took is taken off."""
    found = [reading("direct", 1, 0.0, "latency", p50=0.001), reading("llmgate", 1, 30.0, "latency", p50=0.0015)]
    assert cells(tables(Outcome(readings=found)), "llmgate")[3] == "0.500–0.500–0.500"


def test_a_contestant_that_fell_behind_has_no_latency() -> None:
    """Numbers of those few that were answered would flatter."""
    found = [reading("other", 1, 0.0, "latency", note="did not keep up at 1000/s")]
    assert cells(tables(Outcome(readings=found)), "other") == ["other", "0", "did not keep up at 1000/s"]


def test_what_llmgate_is_measured_for_alone_has_its_aim_beside_it() -> None:
    """Two workers: 66 of 100 connections on one of them are 32 % above its fair share."""
    figures = Figures(workers=[Workers(alone=30.0, together=33.0, connections=[66, 34], failed=0)])
    shown = tables(Outcome(figures=figures))
    assert cells(shown, "`--workers 2`: CPU per request, × one worker")[1:] == ["1.10–1.10–1.10", "1"]
    assert cells(shown, "`--workers 2`: busier worker's connections above its fair share, %")[1:] == [
        "32–32–32",
        "≤ 20",
    ]


def test_an_empty_column_is_left_out() -> None:
    """No notes, no column for them."""
    assert table(("", "a", "note"), [("x", "1", "")]) == "|   | a |\n|---|--:|\n| x | 1 |"


def test_the_picture_has_a_bar_for_each_row() -> None:
    """It is well-formed, names everyone, and the dearer bar is the longer."""
    drawn = ET.fromstring(draw(rows(READINGS)))
    bars = {
        bar.get("class"): float(bar.get("width", "0"))
        for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if bar.get("class") in {"haproxy", "llmgate"}
    }
    assert 0 < bars["haproxy"] < bars["llmgate"]
    assert "40 µs · 3.0×" in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
