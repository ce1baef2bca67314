"""A line put together in C is the line that Python makes, and whatever is unusual is left to Python."""

from __future__ import annotations

import logging
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_access_log import quick
from llmgate_access_log.line import LineMaker
from llmgate_access_log.notes import Note, NoteReader
from llmgate_access_log.redaction import Redaction
from llmgate_core import Attempt, Caller, Key, Secret, Target, Usage
from llmgate_core.native import native
from llmgate_core.upstream_errors import AttemptClass

pytestmark = pytest.mark.skipif(native is None, reason="llmgate-native is not built, or LLMGATE_PURE is set")

PLAIN = st.text("abcXYZ019 -_.:/", max_size=12)
NAMES = PLAIN | st.sampled_from(["", "sk-7f3a9b2c5d8e1f04", "m" * 200])
TEXTS = NAMES | st.sampled_from(['a"b', "a\\b", "é", "\x7f", "\n", "日本", "\udcff", "x" * 5000])
NUMBERS = st.integers(0, 2**50)
ODD_NUMBERS = NUMBERS | st.sampled_from([-1, 2**63 - 1, 2**63, 2**64, True, 1.5])
SPANS = st.floats(0, 1e5) | st.sampled_from([0.0, 1e-7, 5e-7, 0.0005, 0.9999995])
ODD_SPANS = SPANS | st.sampled_from([-1e-9, -1.0, 1e9, 1e15, 1e300, inf, nan, 0, 3])
PROVIDER: Any = SimpleNamespace(name="any")


@st.composite
def notes(draw: st.DrawFn, names: Any, texts: Any, numbers: Any, spans: Any) -> Note:
    """A note of values from these, with what may be missing there or not."""

    def maybe(values: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | values)

    attempt = Attempt(1, Target(draw(texts), draw(names)), PROVIDER, 100.0)
    attempt.key, attempt.status = maybe(st.builds(Key, st.just(Secret("s")), texts)), maybe(numbers)
    attempt.ended_at, attempt.result = maybe(spans.map(lambda span: 100.0 + span)), maybe(st.sampled_from(AttemptClass))
    dialect: Any = SimpleNamespace(name=draw(texts))
    counts = [maybe(numbers) for _ in range(5)]
    usage = Usage(counts[0], counts[1], counts[2], counts[3], reasoning_tokens=counts[4])
    received = draw(st.sampled_from([0.0, 100.0, 123456.789]))
    ended, first = (maybe(spans.map(lambda span: received + span)) for _ in range(2))
    return (
        attempt, dialect, draw(texts), draw(numbers), draw(texts), draw(names), draw(st.booleans()), maybe(texts), draw(texts),
        draw(st.floats(0, 4e9)), received, ended, first, draw(spans), draw(texts), maybe(st.builds(Caller, texts)),
        maybe(st.just(usage)), draw(numbers),
    )  # fmt: skip


def both(row: list[Note]) -> tuple[NoteReader, NoteReader]:
    """Readers with the C and without, when each of them has read these notes and said the same."""
    in_c, in_python = NoteReader(LineMaker(Redaction())), NoteReader(LineMaker(Redaction()))
    assert in_c._in_c is not None
    in_python._in_c = None
    logging.disable()  # of lines that cannot be made: their number is compared
    try:
        for _ in range(2):  # the second time the names are known
            assert in_c.lines(row) == in_python.lines(row)
    finally:
        logging.disable(logging.NOTSET)
    assert in_c.failed == in_python.failed
    return in_c, in_python


@settings(deadline=None)
@given(st.lists(notes(NAMES, PLAIN, NUMBERS, SPANS), min_size=1, max_size=3))
def test_usual_lines_are_made_in_c(row: list[Note]) -> None:
    """Whatever is given or missing in them, once their names are known; they are those that Python makes."""
    in_c, _ = both(row)
    assert in_c._in_c is not None
    assert b"".join(in_c._in_c(note) or b"?" for note in row) == in_c.lines(row)
    assert in_c.failed == 0


@settings(deadline=None)
@given(st.lists(notes(TEXTS, TEXTS, ODD_NUMBERS, ODD_SPANS), max_size=3))
def test_unusual_lines_are_the_same(row: list[Note]) -> None:
    """Texts that need an escape, numbers that are none, durations below zero or without end."""
    both(row)


@settings(deadline=None)
@given(st.data())
def test_any_value_anywhere(data: st.DataObject) -> None:
    """A plugin's mistake in one place of a note costs no other note its line, and reads the same."""
    good = data.draw(notes(PLAIN, PLAIN, NUMBERS, SPANS))
    odd: list[Any] = list(good)
    odd[data.draw(st.integers(1, len(odd) - 1))] = data.draw(
        st.sampled_from([None, 0, -1, 1.5, "text", b"b", object(), [], True])
    )
    row: Any = [good, tuple(odd), good]
    both(row)


def test_names_that_are_forgotten_are_met_again() -> None:
    """Clients that invent names neither fill the memory nor change what is told."""
    attempt = Attempt(1, Target("one", "large"), PROVIDER, 100.0)
    dialect: Any = SimpleNamespace(name="d")

    def note(model: str) -> Note:
        more = (100.5, None, 0.25, "", None, None, 5)
        return (attempt, dialect, "chat", 200, "ok", model, False, None, "id", 1.0, 100.0, *more)

    in_c, _ = both([note(f"made-up-{number}") for number in range(3000)])
    assert len(in_c._maker.names) <= 1024
    assert in_c._in_c is not None
    assert in_c._in_c(note("new")) is None
    assert in_c._in_c(note("made-up-2999")) is not None


def test_an_older_native_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A llmgate-native that has no such type changes nothing."""
    monkeypatch.setattr(quick, "native", SimpleNamespace())
    assert quick.line_in_c({}) is None
