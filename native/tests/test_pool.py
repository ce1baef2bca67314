"""A pool whose hot half is compiled picks, keeps and drops the connections that the one in Python does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.headers import WireHeaders
from llmgate_core.wire import quick_connection, quick_pool
from llmgate_core.wire.known_answer import Shapes
from llmgate_core.wire.outbox import Outbox

NOTHING = WireHeaders(Shapes().of(()), ())
FLAGS = ("complete", "keep", "lost", "reused")


def heirs(pool: Any, connection: Any) -> tuple[Any, Any]:
    """A pool and a connection with the least that their hot halves leave open; it tells what it is asked."""

    class Pool(pool):  # type: ignore[misc]  # chosen at run time
        def __init__(self) -> None:
            super().__init__(deque(), 0.0, 15.0, 300.0)
            self.told: list[Any] = []
            self.raises = False

        def drop(self, connection: Any) -> None:
            self.told.append(("drop", connection.number))
            if self.raises:
                raise LookupError

        def _wake_one(self) -> None:
            self.told.append("wake")
            self._waiters.popleft()

    class Connection(connection):  # type: ignore[misc]  # chosen at run time
        number = 0

    return Pool, Connection


class Side:
    """One of the two, and what a script does with it."""

    def __init__(self, pool: Any, connection: Any) -> None:
        make, self.make = heirs(pool, connection)
        self.pool = make()
        self.connections: list[Any] = []

    def do(self, kind: str, what: Any) -> Any:
        """One step; what it gives, or the exception's class."""
        try:
            return getattr(self, kind)(what)
        except LookupError as error:
            return type(error)

    def connect(self, what: Any) -> None:
        born, flags, body = what
        loop = asyncio.get_running_loop()
        one = self.make(loop, Shapes(), Outbox(loop), NOTHING)
        one.number, one.born = len(self.connections), born
        for name, value in zip(FLAGS, flags, strict=True):
            setattr(one, name, value)
        if body:
            one.body.append(b"left")
        self.connections.append(one)

    def give_back(self, at: int) -> None:
        if self.connections:
            self.pool.give_back(self.connections[at % len(self.connections)])

    def pick(self, _: int) -> Any:
        picked = self.pool.pick()
        return None if picked is None else picked.number

    def clock(self, now: float) -> None:
        self.pool._now = now

    def wait(self, _: int) -> None:
        self.pool._waiters.append(None)

    def lose(self, at: int) -> None:
        if self.connections:
            self.connections[at % len(self.connections)].lost = True

    def trouble(self, is_there: int) -> None:
        self.pool.raises = bool(is_there)

    def told(self) -> Any:
        """All that can be seen from outside."""
        return (
            self.pool.told,
            [one.number for one in self.pool._idle],
            (len(self.pool._waiters), self.pool._now),
            [(one.reused, one.idle_since, one.born) for one in self.connections],
        )


truths = st.sampled_from([True, True, True, False, 1, 0, "yes", None])
times = st.sampled_from([0.0, 1.0, 14.9, 15.0, 15.1, 299.0, 300.0, 300.1, -5.0])
flags = st.tuples(truths, truths, st.sampled_from([False, False, True, 0, 1]), st.booleans())
steps = st.one_of(
    st.tuples(st.just("connect"), st.tuples(times, flags, st.sampled_from([False, False, True]))),
    st.tuples(st.sampled_from(["give_back", "give_back", "lose"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["pick", "wait"]), st.just(0)),
    st.tuples(st.just("clock"), times),
    st.tuples(st.just("trouble"), st.integers(0, 1)),
)


@settings(max_examples=400)
@given(st.lists(steps, max_size=30))
async def test_both_do_the_same(compiled: Any, script: list[Any]) -> None:
    """After each step of any script: the same connections idle, dropped and picked, the same ones woken."""
    sides = [
        Side(quick_pool.QuickPool, quick_connection.QuickConnection),
        Side(compiled.QuickPool, compiled.QuickConnection),
    ]
    for kind, what in script:
        given_back = [side.do(kind, what) for side in sides]
        assert given_back[0] == given_back[1], kind
        assert sides[0].told() == sides[1].told(), kind


def test_the_core_uses_it(compiled: Any, pure: Callable[[str], ModuleType]) -> None:
    """Where it is built, the core's pool is an heir of it; without, of the one in Python."""
    from llmgate_core.wire.lean_pool import LeanPool

    assert issubclass(LeanPool, compiled.QuickPool)
    assert issubclass(pure("lean_pool").LeanPool, quick_pool.QuickPool)


async def test_what_is_no_connection_is_refused(compiled: Any) -> None:
    """Neither taken back nor given out, whatever was put among the idle ones."""
    pool = heirs(compiled.QuickPool, compiled.QuickConnection)[0]()
    for other in (None, object(), pool, compiled.QuickConnection):
        with pytest.raises(TypeError):
            pool.give_back(other)
        pool._idle.append(other)
        with pytest.raises(TypeError):
            pool.pick()
    assert pool._idle == []


async def test_what_was_never_made_is_an_error(compiled: Any) -> None:
    """A pool that was not initialised raises; a connection that was not is dropped. Neither crashes."""
    make, connect = heirs(compiled.QuickPool, compiled.QuickConnection)
    bare = make.__new__(make)
    with pytest.raises(AttributeError):
        bare.pick()
    one = connect(asyncio.get_running_loop(), None, None, None)
    one.complete = one.keep = True
    with pytest.raises(AttributeError):
        bare.give_back(one)
    pool, empty = make(), connect.__new__(connect)
    pool.give_back(empty)
    empty.complete = empty.keep = True
    pool.give_back(empty)
    assert pool.told == [("drop", 0), ("drop", 0)]


async def test_flags_that_cannot_say(compiled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that was deleted is as good as not set; one that raises is told of, and not set either."""
    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda told: unraisable.append(type(told.exc_value)))

    class Mute:
        def __bool__(self) -> bool:
            raise LookupError

    make, connect = heirs(compiled.QuickPool, compiled.QuickConnection)
    pool, one = make(), connect(asyncio.get_running_loop(), None, None, None)
    one.complete = True
    del one.keep
    pool.give_back(one)
    one.keep = Mute()
    pool.give_back(one)
    assert (pool.told, unraisable) == ([("drop", 0), ("drop", 0)], [LookupError])


async def test_a_drop_that_empties_the_pool(compiled: Any) -> None:
    """While it drops one, whoever is told may close all the others: it picks none of them."""
    make, connect = heirs(compiled.QuickPool, compiled.QuickConnection)
    pool = type("Emptied", (make,), {"drop": lambda self, _: self._idle.clear()})()
    for _ in range(5):
        one = connect(asyncio.get_running_loop(), None, None, None)
        one.complete = one.keep = True
        pool.give_back(one)
        one.lost = len(pool._idle) == 5
    assert (pool.pick(), pool._idle) == (None, [])
