"""What the C puts into a line of JSON is what msgspec puts there, and what it does not know well it leaves alone."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import UTC, datetime
from math import floor, inf, nan, nextafter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

Put = Callable[..., bytes | None]
NEEDS_ESCAPE = {*map(chr, range(0x20)), '"', "\\", "\x7f"}


@pytest.fixture(scope="session")
def put(compiled: Any) -> Put:
    """`put(kind, *values)`: what stands behind ``"v":`` in a line with this alone; empty when the value was left out."""

    def one(kind: str, *values: Any, names: dict[str, str] | None = None) -> bytes | None:
        reads = tuple((0, at) for at in range(len(values)))
        shape = ((kind, b'"v":', tuple(range(1, len(values) + 1))),)
        line = compiled.JsonLines(reads, shape, names or {}).line(values)
        if line is None:
            return None
        if line == b"{}\n":
            return b""
        assert line.startswith(b'{"v":')
        assert line.endswith(b"}\n")
        return bytes(line[5:-2])

    return one


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31])
def test_each_character_at_each_place(put: Put, size: int) -> None:
    """Printable ASCII stands for itself; one character that needs an escape, or is no ASCII, is enough to refuse a text."""
    for at in range(size):
        for character in [*map(chr, range(0x100)), "\u2028", "\udcff", "\U0001f600"]:
            text = "a" * at + character + "b" * (size - at - 1)
            plain = character.isascii() and character not in NEEDS_ESCAPE
            assert put("text", text) == (msgspec.json.encode(text) if plain else None), text


@given(st.text(st.sampled_from(string.printable), max_size=40))
def test_texts(put: Put, text: str) -> None:
    """A text is what msgspec makes of it, or refused."""
    assert put("text", text) == (None if set(text) & NEEDS_ESCAPE else msgspec.json.encode(text))


def test_text_of_another_kind(put: Put) -> None:
    """What is no str of its own may say something else of itself: it is left to Python."""
    heir = type("Heir", (str,), {})
    for value in (heir("a"), b"a", 1, True, ["a"], object()):
        assert [put(kind, value) for kind in ("text", "text or none", "text or empty", "name")] == [None] * 4


def test_what_may_be_left_out(put: Put) -> None:
    """None, nothing and False are left out where the kind says so, and nowhere else."""
    assert [put(kind, None) for kind in ("text", "name", "name or empty", "number", "time", "true or not")] == [
        None
    ] * 6
    assert [put(kind, None) for kind in ("text or none", "text or empty", "number or none", "span")] == [b""] * 4
    assert [put(kind, "") for kind in ("text", "text or none", "text or empty")] == [b'""', b'""', b""]
    assert [put("true or not", value) for value in (True, False, 1, 0, "")] == [b"true", b"", None, None, None]


def test_names_are_looked_up(put: Put) -> None:
    """A name is shown as the table says; one that is not in it, or that it shows as something odd, is left to Python."""
    names: Any = {"a": "shown", "b": "", "c": 'o"dd', "d": None, "é": "e"}
    assert [put("name", name, names=names) for name in "abcdéx"] == [b'"shown"', b'""', None, None, b'"e"', None]
    assert [put("name or empty", name, names=names) for name in "abx"] == [b'"shown"', b"", None]


@pytest.mark.parametrize("kind", ["number", "number or none"])
def test_numbers(put: Put, kind: str) -> None:
    """From zero to the most that 63 bits hold; bools and floats are no numbers."""
    edges = [edge + more for size in range(19) for edge in (10**size, 2 ** (3 * size)) for more in (-1, 0, 1)]
    for number in (*edges, 2**63 - 1):
        assert put(kind, number) == b"%d" % number
    assert [put(kind, odd) for odd in (-1, -(2**63), 2**63, 2**64, 10**30, True, 1.0, "1")] == [None] * 8


def told(seconds: float) -> bytes:
    """Milliseconds as the Python half has them."""
    return msgspec.json.encode(floor(seconds * 1e6 + 0.5) / 1000)


@given(
    st.floats(0, 1e9, exclude_max=True) | st.floats(0, 100) | st.integers(0, 10**15 - 1).map(lambda micro: micro / 1e6)
)
def test_spans(put: Put, seconds: float) -> None:
    """Each duration is told in the same digits."""
    assert put("span", seconds) == told(seconds)


def test_spans_at_their_edges(put: Put) -> None:
    """The smallest, those between two microseconds, the longest; what is negative, longer or no number is refused."""
    halves = [(micro + 0.5) / 1e6 for micro in range(2000)]
    for edge in (0.0, -0.0, 5e-324, 4.9e-7, 0.001, 0.01, 1.0, 60.0, 1e5, *halves, 999_999_999.999):
        for seconds in (edge, nextafter(edge, inf), abs(nextafter(edge, 0.0))):
            assert put("span", seconds) == told(seconds), seconds
    odd = (-5e-324, -1.0, 1e9, 1e300, inf, -inf, nan, 1, True, "1")
    assert [put("span", seconds) for seconds in odd] == [None] * len(odd)


@given(*[st.floats(0, 1e6) | st.sampled_from([0.0, 100.0, 100.25])] * 3)
def test_differences(put: Put, end: float, start: float, less: float) -> None:
    """An end less a start, never below zero; and that less a third, which is zero where it would be below."""
    total = end - start
    assert put("span", end, start) == (told(total) if total >= 0 else None)
    assert put("span", end, start, less) == told(total - less if total > less else 0.0)


def test_differences_of_odd_values(put: Put) -> None:
    """A start that is not known, or is no float, is left to Python; an end that is not known is left out."""
    assert [put("span", None, odd) for odd in (1.0, None)] == [b""] * 2
    assert [put("span", 1.0, odd) for odd in (None, 1, "1", nan, -inf)] == [None] * 5
    assert [put("span", 2.0, 1.0, odd) for odd in (None, 1)] == [None] * 2


def at_time(time: float) -> bytes:
    """Unix time as the Python half has it."""
    second = floor(time)
    text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f'"{text}.{floor((time - second) * 1000):03d}Z"'.encode()


@given(st.floats(0, 4e9) | st.floats(31_536_000_000, 253_402_300_800, exclude_max=True))
def test_times(put: Put, time: float) -> None:
    """Any time from 1970 to 9999."""
    assert put("time", time) == at_time(time)


def test_each_day_for_centuries(put: Put) -> None:
    """Leap days, and centuries with and without one."""
    for day in (*range(365 * 450), *range(2_932_896 - 366, 2_932_897)):
        assert put("time", day * 86400.0 + 86399.0) == at_time(day * 86400.0 + 86399.0)


def test_times_that_are_none(put: Put) -> None:
    """What is before 1970 or after 9999 or no float is left to Python; a second is over when it is."""
    odd = (-1.0, -1e-9, 253_402_300_800.0, 1e300, inf, nan, 1, None)
    assert [put("time", time) for time in odd] == [None] * len(odd)
    assert put("time", nextafter(1.0, 0.0)) == b'"1970-01-01T00:00:00.999Z"'
    assert put("time", -0.0) == b'"1970-01-01T00:00:00.000Z"'
