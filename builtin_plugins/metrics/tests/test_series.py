"""Cells count what they are given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_metrics.scrape import cumulative
from llmgate_metrics.series import SECONDS, Buckets, Counters, Histograms


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


@settings(deadline=None)
@given(st.lists(st.sampled_from((*SECONDS, 0.0)) | st.floats(0, 1e4), max_size=100))
def test_many_values_count_as_one_by_one(values: list[float]) -> None:
    """However many they are, and whether on a bound or between two."""
    together, singly = Buckets(SECONDS), Buckets(SECONDS)
    together.observe(1.0)
    together.observe_all(list(values))
    for value in (1.0, *values):
        singly.observe(value)
    assert together.counts == singly.counts
    assert together.sum == pytest.approx(singly.sum)


def test_histograms_of_a_family_share_the_bounds() -> None:
    """Each label has its own counts."""
    family = Histograms("n", "h", ("a",), (1.0,))
    family.cell("x").observe(0.1)
    assert family.cell("x").counts == [1, 0]
    assert family.cell("y").counts == [0, 0]
