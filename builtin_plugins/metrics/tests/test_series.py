"""Cells count what they are given."""

from __future__ import annotations

from llmgate_metrics.scrape import cumulative
from llmgate_metrics.series import Buckets, Counters, Histograms


def test_same_labels_give_the_same_cell() -> None:
    """A cell that was resolved once keeps counting into the family."""
    counters = Counters("n", "h", ("a",))
    cell = counters.cell("x")
    cell.value += 2
    assert counters.cell("x") is cell
    assert counters.cell("y") is not cell


def test_value_on_a_bound_belongs_below_it() -> None:
    """``le`` means at most."""
    buckets = Buckets((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 99.0):
        buckets.observe(value)
    assert buckets.counts == [2, 2, 1]
    assert buckets.sum == 104.0
    assert cumulative(buckets) == [("1.0", 2.0), ("2.0", 4.0), ("+Inf", 5.0)]


def test_histograms_of_a_family_share_the_bounds() -> None:
    """Each label has its own counts."""
    family = Histograms("n", "h", ("a",), (1.0,))
    family.cell("x").observe(0.1)
    assert family.cell("x").counts == [1, 0]
    assert family.cell("y").counts == [0, 0]
