"""When a limit comes back: every form in use, every hostile value ignored or clamped."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.resets import LONGEST, parse_reset, seconds_until_reset

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
RESETS = ("x-reset-requests", "x-reset-tokens")


def wait(*, limited: bool = True, **headers: str) -> float | None:
    """Seconds that these headers ask for."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return seconds_until_reset(named, RESETS, limited=limited, now=NOW)


ROWS: dict[str, tuple[dict[str, Any], float | None]] = {
    "F29-seconds": ({"retry_after": "2"}, 2),
    "F29-fraction": ({"retry_after": "0.5"}, 0.5),
    "F29-spaces": ({"retry_after": " 3 "}, 3),
    "F29-zero": ({"retry_after": "0"}, 0),
    "F30-date": ({"retry_after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
    "F30-past-date": ({"retry_after": "Tue, 14 Nov 2000 22:14:20 GMT"}, 0),
    "F30-year-99999": ({"retry_after": "Tue, 14 Nov 99999 22:14:20 GMT"}, None),
    "F30-far-date": ({"retry_after": "Tue, 14 Nov 2099 22:14:20 GMT"}, LONGEST),
    "F30-no-date": ({"retry_after": "soon"}, None),
    "F30-half-a-date": ({"retry_after": "Tue, 99 Nov"}, None),
    "F31-milliseconds-first": ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
    "F31-bad-milliseconds": ({"retry_after_ms": "x", "retry_after": "9"}, 9),
    "F32-seconds": ({"x_reset_requests": "1s"}, 1),
    "F32-minutes": ({"x_reset_tokens": "6m0s"}, 360),
    "F32-milliseconds": ({"x_reset_tokens": "20ms"}, 0.02),
    "F32-hours": ({"x_reset_tokens": "1h0m0s"}, 3600),
    "F32-seconds-and-ms": ({"x_reset_tokens": "1s20ms"}, 1.02),
    "F32-fraction": ({"x_reset_tokens": "7.66s"}, 7.66),
    "F32-larger-counts": ({"x_reset_requests": "1s", "x_reset_tokens": "2m"}, 120),
    "F32-minus-one": ({"x_reset_requests": "-1"}, None),
    "F32-zero": ({"x_reset_requests": "0", "x_reset_tokens": "0s"}, None),
    "F32-zero-and-more": ({"x_reset_requests": "0", "x_reset_tokens": "5"}, 5),
    "F32-rfc3339": ({"x_reset_requests": "2023-11-14T22:14:20Z"}, 60),
    "F32-rfc3339-offset": ({"x_reset_requests": "2023-11-14T23:14:20+01:00"}, 60),
    "F32-rfc3339-past": ({"x_reset_requests": "2000-01-01T00:00:00Z"}, None),
    "F32-retry-after-first": ({"retry_after": "3", "x_reset_tokens": "9m"}, 3),
    "F32-unusable-retry-after": ({"retry_after": "x", "x_reset_tokens": "9s"}, 9),
    "F33-negative": ({"retry_after": "-5"}, 0),
    "F33-inf": ({"retry_after": "inf"}, None),
    "F33-nan": ({"retry_after": "nan"}, None),
    "F33-1e308": ({"retry_after": "1e308"}, None),
    "F33-underscore": ({"retry_after": "1_0"}, None),
    "F33-arabic-digits": ({"retry_after": "١٢"}, None),
    "F33-full-width": ({"retry_after_ms": "１２"}, None),
    "F33-huge": ({"retry_after": "999999999999"}, LONGEST),
    "F33-too-huge": ({"retry_after": "9" * 400}, None),
    "F33-hex": ({"retry_after": "0x10"}, None),
    "F33-plus": ({"retry_after": "+5"}, None),
    "F33-empty": ({"retry_after": ""}, None),
    "F33-hostile-duration": ({"x_reset_tokens": "999999h999999m"}, LONGEST),
    "F33-wrong-order": ({"x_reset_tokens": "1s1m"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("headers", "seconds"), ROWS.values(), ids=ROWS.keys())
def test_row(headers: dict[str, Any], seconds: float | None) -> None:
    """The row's headers ask for its seconds, or for nothing."""
    found: float | None = wait(**headers)
    assert found is None if seconds is None else found == pytest.approx(seconds)


def test_reset_headers_count_only_when_limited() -> None:
    """A limit's reset stands in every good answer, too: there it is no reason to wait."""
    assert wait(limited=False, x_reset_tokens="5s") is None
    assert wait(limited=False, retry_after="5") == 5


@given(st.text(), st.text(), st.text(), st.booleans())
def test_nothing_breaks_it(after: str, milliseconds: str, reset: str, limited: bool) -> None:
    """Any text gives None or finite seconds within an hour."""
    found = wait(limited=limited, retry_after=after, retry_after_ms=milliseconds, x_reset_tokens=reset)
    assert found is None or (math.isfinite(found) and 0 <= found <= LONGEST)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_any_go_duration(hours: int, minutes: int, seconds: int, millis: int) -> None:
    """Durations as Go prints them, whole or with fractions, are read to their seconds."""
    fraction = f".{millis:03}".rstrip("0").rstrip(".")
    total = hours * 3600 + minutes * 60 + seconds + millis / 1000
    assert parse_reset(f"{hours}h{minutes}m{seconds}{fraction}s", NOW) == pytest.approx(total)
