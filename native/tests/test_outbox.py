"""The compiled outbox sends what the one in Python sends, to whom, and in that order."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmgate_core.wire import outbox


class Loop:
    """Stands for an event loop: its turns come when the test says so."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.closed = False

    def call_soon(self, callback: Callable[[], None]) -> None:
        if self.closed:
            raise RuntimeError
        self.soon.append(callback)

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


class Wire:
    """Stands for a transport: it keeps what it gets, and may be in trouble, or write more when it is written to."""

    def __init__(self, seen: list[Any], number: int) -> None:
        self.seen, self.number = seen, number
        self.mood: Any = "well"
        self.box: Any = None

    def is_closing(self) -> Any:
        if self.mood == "unsure":
            raise OSError
        return self.mood == "closing"

    def write(self, data: Any) -> None:
        if self.mood == "broken":
            raise RuntimeError
        if self.mood == "over":
            raise KeyboardInterrupt
        self.seen.append((self.number, bytes(data)))
        if self.mood == "answers" and len(data) < 99:
            self.mood = "well"
            self.box.write(self, b"again")
        if self.mood == "flushes":
            self.box.flush()

    def abort(self) -> None:
        self.seen.append((self.number, "abort"))
        if self.mood == "unsure":
            raise ValueError
        self.mood = "closing"


class Side:
    """One of the two, its loop and its transports."""

    def __init__(self, compiled: Any) -> None:
        self.loop, self.seen = Loop(), list[Any]()
        loop: Any = self.loop
        self.box = outbox.Outbox(loop) if compiled is None else compiled.Outbox(loop, outbox._give_up)
        self.wires = [Wire(self.seen, number) for number in range(4)]
        for wire in self.wires:
            wire.box = self.box

    def do(self, kind: str, number: int, what: Any) -> Any:
        """One step; the class of what it raises."""
        try:
            if kind == "write":
                self.box.write(self.wires[number], what)
            elif kind == "mood":
                self.wires[number].mood = what
            elif kind == "closed":
                self.loop.closed = what
            else:
                self.box.flush() if kind == "flush" else self.loop.turn()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # whatever it is, the other one must raise it too
            return type(error)
        return len(self.loop.soon)

    def begin(self) -> Any:
        """Begin a turn: in the middle of one, it does not depend on the clock what is sent at once."""
        return self.do("write", 3, b""), self.do("flush", 0, 0)


wires = st.integers(0, 2)
moods = st.sampled_from(["well", "closing", "broken", "unsure", "answers", "flushes", "over"])
sizes = st.sampled_from([0, 1, 1, 1, 16 * 1024, 16 * 1024 + 1])
steps = st.one_of(
    st.tuples(st.just("write"), wires, sizes.map(lambda size: b"x" * size)),
    st.tuples(st.just("write"), wires, st.binary(max_size=3)),
    st.tuples(st.just("write"), wires, st.sampled_from([bytearray(3), memoryview(b"abc"), bytearray(20_000), 7])),
    st.tuples(st.just("mood"), wires, moods),
    st.tuples(st.sampled_from(["flush", "turn", "turn"]), st.just(0), st.just(0)),
    st.tuples(st.just("closed"), st.just(0), st.sampled_from([False, False, True])),
)


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong with a transport is logged, which is held elsewhere."""
    monkeypatch.setattr(outbox.logger, "error", lambda *_, **__: None)


@settings(max_examples=500)
@given(st.lists(steps, max_size=40))
@example(
    [
        ("mood", 2, "unsure"),
        ("closed", 0, True),
        ("write", 0, b""),
        ("write", 2, b""),
        ("mood", 0, "answers"),
        ("turn", 0, 0),
    ]
)  # two things go wrong at once
def test_both_send_the_same(compiled: Any, script: list[Any]) -> None:
    """After each step, the transports got the same pieces in the same order, and the same ones were given up."""
    sides = [Side(None), Side(compiled)]
    for kind, number, what in (("turn", 0, 0), *script):
        raised = [side.do(kind, number, what) for side in sides]
        assert raised[0] == raised[1], kind
        if kind in {"turn", "closed"}:
            begun = [side.begin() for side in sides]
            assert begun[0] == begun[1], kind
        assert sides[0].seen == sides[1].seen, kind


@pytest.mark.parametrize("native", [False, True])
def test_what_is_written_by_who_is_written_to_goes_out(compiled: Any, *, native: bool) -> None:
    """It goes out in the next turn, though nobody writes any more, and before what is written later."""
    side = Side(compiled if native else None)
    side.do("write", 1, b"first")
    side.do("write", 1, b"second")
    side.do("mood", 1, "answers")
    side.do("write", 1, b"third")
    side.loop.turn()
    side.do("write", 1, b"last")
    side.loop.turn()
    assert [data for _, data in side.seen] == [b"first", b"second", b"third", b"again", b"last"]
    assert side.loop.soon == []


@pytest.mark.parametrize("native", [False, True])
def test_a_turn_ends_whatever_happens_in_it(compiled: Any, *, native: bool) -> None:
    """A transport that cannot even be given up stops nothing: what is written afterwards is sent."""
    side = Side(compiled if native else None)
    side.do("write", 0, b"")
    side.do("mood", 1, "unsure")
    side.do("write", 1, b"lost")
    assert side.do("turn", 0, 0) is ValueError
    side.do("write", 2, b"sent")
    side.loop.turn()
    assert (2, b"sent") in side.seen


def test_what_was_never_made_is_an_error(compiled: Any) -> None:
    """It raises, does not crash, and ends as it should."""
    bare = compiled.Outbox.__new__(compiled.Outbox)
    with pytest.raises(AttributeError):
        bare.write(Wire([], 0), b"")
    bare.flush()
    for wrong in ((), (Wire([], 0),), (1, 2, 3)):
        with pytest.raises(TypeError):
            bare.write(*wrong)
    with pytest.raises(TypeError):
        compiled.Outbox(Loop())


def test_nothing_is_held_in_a_circle(compiled: Any) -> None:
    """An outbox, a transport that knows it and what waits for that one are collected together."""
    side = Side(compiled)
    side.do("write", 0, b"")
    for _ in range(100):
        side.do("write", 1, b"waits")
    gone = weakref.ref(side.wires[1])
    del side
    gc.collect()
    assert gone() is None
