"""What the soak makes of its samples."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bench.report import MB
from tests.bench.soak import AIM, Sample, Verdict, most_while, result_of, tables


def samples(*sizes: float, failed: int = 0) -> Sequence[Sample]:
    """One for each size, in MB, ten thousand requests apart."""
    return [
        Sample(5.0 * number, 10_000 * number, failed, 2000.0, int(size * MB)) for number, size in enumerate(sizes, 1)
    ]


def test_the_first_third_does_not_count() -> None:
    """Caches fill first: what grew then and stays is flat, and nothing is left behind by a request."""
    verdict = Verdict.of(samples(30, 38, 44, 45, 45, 45, 45, 45, 45))
    assert (verdict.second, verdict.last, verdict.most) == (45 * MB, 45 * MB, 45 * MB)
    assert (verdict.flat, verdict.per_request, verdict.good) == (True, 0.0, True)


def test_what_goes_on_growing_is_not_flat() -> None:
    """A megabyte with each slice: three from the middle of the second third to the middle of the last, 30,000 requests later."""
    verdict = Verdict.of(samples(30, 31, 32, 33, 34, 35, 36, 37, 38))
    assert verdict.last - verdict.second == 3 * MB
    assert verdict.per_request == pytest.approx(3 * MB / 30_000)
    assert (verdict.flat, verdict.good) == (False, False)


def test_what_shrinks_is_flat() -> None:
    """Memory that was given back is no growth."""
    assert Verdict.of(samples(40, 40, 44, 44, 41, 41)).flat is True


def test_one_slice_that_stands_out_is_no_growth() -> None:
    """Medians: a single peak in the last third counts for the most only."""
    verdict = Verdict.of(samples(40, 40, 40, 40, 40, 40, 40, 55, 40))
    assert (verdict.flat, verdict.most) == (True, 55 * MB)


def test_more_than_the_aim_is_told() -> None:
    """Flat, but too much, wherever in the run it was."""
    verdict = Verdict.of(samples(61, 45, 45, 45, 45, 45))
    assert (verdict.flat, verdict.good) == (True, False)
    assert f"ABOVE {AIM // MB} MB" in verdict.show()


def test_failures_spoil_it() -> None:
    """A request that is refused costs no memory: the run says nothing then."""
    verdict = Verdict.of(samples(40, 40, 40, 40, 40, 40, failed=3))
    assert not verdict.good
    assert "3 requests FAILED" in verdict.show()


def test_a_short_run_says_so() -> None:
    """With less than two samples a third nobody can tell."""
    verdict = Verdict.of(samples(40, 41, 42, 43, 44))
    assert (verdict.flat, verdict.good) == (None, True)
    assert "too short" in verdict.show()


def test_the_table_has_a_line_for_each_sample() -> None:
    """And the verdict below; the result for programs has both, too."""
    found = samples(40, 40, 40.25, 40, 40, 40)
    shown = tables(found)
    assert "| 15 |   30,000 | 2,000 |   40.2 |      0 |" in shown.splitlines()
    assert shown.endswith("most 40.2 MB: within 60 MB")
    result = result_of(found)
    assert (len(result["samples"]), result["verdict"]["flat"]) == (6, True)


def test_memory_is_looked_at_until_the_load_ends() -> None:
    """The most of a process that was larger meanwhile than it is in the end."""

    def hold() -> None:
        held = bytearray(b"x" * 32 * MB)
        time.sleep(1.5)
        del held

    with ThreadPoolExecutor(1) as pool:
        most = most_while(pool.submit(hold), os.getpid())
    assert most > 32 * MB
