"""A connection to a provider whose hot half is compiled does what the one in Python does, whatever happens to it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.headers import WireHeaders
from llmgate_core.wire import lean_connection, outbox
from llmgate_core.wire.known_answer import Shapes

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
KEPT = b"HTTP/1.1 200 \r\nconnection: keep-alive\r\ncontent-length:\t%d\r\nset-cookie: a\r\nset-cookie: b\r\n\r\n%b"
ODD = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n\r\nto the end",
    b"no HTTP at all",
)


class Wire:
    """Stands for asyncio's transport, and keeps what is done to it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.seen.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.seen.append(tuple(pieces))

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True
        self.seen.append("abort")

    def pause_reading(self) -> None:
        self.seen.append("pause")

    def resume_reading(self) -> None:
        self.seen.append("resume")


class Side:
    """One of the two: a connection, and what a script does with it."""

    def __init__(self, module: Any, box: Any) -> None:
        self.shapes, self.wire, self.box = Shapes(), Wire(), box
        self.connection = module.LeanConnection(asyncio.get_running_loop(), self.shapes, box)
        self.connection.born = self.connection.idle_since = 0.0
        self.connection.connection_made(self.wire)
        self.waiters: list[Any] = []
        self.coming = b""
        self.first: Any = None

    def do(self, kind: str, what: Any) -> Any:
        """One step of the script; what it gives, or the exception's class."""
        try:
            return getattr(self, kind)(what)
        except Exception as error:  # noqa: BLE001  # whatever it is, the other one must raise it too
            return type(error)

    def ask(self, what: Any) -> None:
        size, answer, due = what
        self.coming += answer
        self.waiters.append(self.connection.ask(b"POST / HTTP/1.1\r\ncontent-length: ", b"x" * size, due))

    def wait(self, due: float) -> None:
        self.waiters.append(self.connection.wait(due))

    def receive(self, size: int) -> None:
        data, self.coming = self.coming[:size], self.coming[size:]
        if data:
            self.connection.data_received(data)

    def unasked(self, data: bytes) -> None:
        self.connection.data_received(data)

    def overdue(self, now: float) -> None:
        self.connection.overdue(now)

    def take(self, _: int) -> bytes:
        return bytes(self.connection.take())

    def take_whole(self, limit: int) -> Any:
        return self.connection.take_whole(limit)

    def lost(self, how: int) -> None:
        self.connection.connection_lost(ConnectionResetError() if how else None)

    def cancel(self, _: int) -> None:
        if self.waiters:
            self.waiters[-1].cancel()

    def flags(self, what: Any) -> None:
        name, value = what
        setattr(self.connection, name, value)

    def told(self) -> Any:
        """All that can be seen from outside."""
        self.box.flush()
        one = self.connection
        return (
            {name: bool(getattr(one, name)) for name in ("complete", "keep", "got_bytes", "lost", "reused")},
            (one.status, dict(one.headers), list(one.body), one.born, one.idle_since, one._head_size),
            (type(one.failed), str(one.failed), one._waiter is None, self.shapes.last is None),
            [outcome(waiter) for waiter in self.waiters],
            self.wire.seen,
        )


def outcome(waiter: Any) -> Any:
    """Whether a wait is over, and how."""
    if not waiter.done() or waiter.cancelled():
        return waiter.done()
    return type(waiter.exception())


bodies = st.sampled_from([b"", b"{}", b'{"a": 1}', b"y" * 70_000])
known = st.builds(lambda head, body: head % (len(body), body), st.sampled_from([PLAIN, PLAIN, KEPT]), bodies)
answers = known | known | st.sampled_from(ODD)
times = st.floats(0, 3)
sizes = st.sampled_from([1, 20, 60, 100, 400, 69_000, 80_000, 80_000, 80_000])
steps = st.one_of(
    st.tuples(st.just("ask"), st.tuples(st.sampled_from([0, 9, 65_535, 65_536, 90_000]), answers, times)),
    st.tuples(st.just("ask"), st.tuples(st.just(2), known, times)),
    st.tuples(st.just("receive"), sizes),
    st.tuples(st.just("receive"), sizes),
    st.tuples(st.just("take"), st.just(0)),
    st.tuples(st.just("take_whole"), st.sampled_from([0, 1, 8, 2**70, 100_000])),
    st.tuples(st.just("overdue"), times),
    st.tuples(st.just("wait"), times),
    st.tuples(st.just("cancel"), st.just(0)),
    st.tuples(st.just("unasked"), st.binary(max_size=30)),
    st.tuples(st.just("lost"), st.integers(0, 1)),
    st.tuples(
        st.just("flags"), st.tuples(st.sampled_from(["complete", "keep", "lost", "got_bytes"]), st.integers(0, 1))
    ),
)


@pytest.fixture(scope="module")
def modules(compiled: Any, pure: Callable[[str], ModuleType]) -> tuple[ModuleType, ModuleType]:
    """The module of the connection, in Python and with its compiled half."""
    in_python = pure("lean_connection")
    assert not issubclass(in_python.LeanConnection, compiled.QuickConnection)
    assert issubclass(lean_connection.LeanConnection, compiled.QuickConnection)
    return in_python, lean_connection


@settings(max_examples=400)
@given(st.lists(steps, max_size=25))
async def test_both_do_the_same(modules: tuple[ModuleType, ModuleType], compiled: Any, script: list[Any]) -> None:
    """After each step of any script, all that can be seen of the two is equal, and what they wrote is."""
    loop = asyncio.get_running_loop()
    sides = [
        Side(modules[0], outbox.Outbox(loop)),
        Side(modules[1], compiled.Outbox(loop, lambda transport, _: transport.abort())),
    ]
    for kind, what in script:
        given_back = [side.do(kind, what) for side in sides]
        assert given_back[0] == given_back[1], kind
        assert sides[0].told() == sides[1].told(), kind


async def test_usual_answers_are_known(modules: tuple[ModuleType, ModuleType], compiled: Any) -> None:
    """The second answer with the same head needs no parser, compiled or not."""
    for module, box in zip(modules, (outbox.make_outbox(asyncio.get_running_loop()),) * 2, strict=True):
        side = Side(module, box)
        side.do("ask", (2, PLAIN % (2, b"{}"), 1.0))
        side.do("receive", 999)
        assert side.do("take", 0) == b"{}"
        side.connection._parser = None
        side.do("ask", (2, PLAIN % (3, b"[1]"), 1.0))
        side.do("receive", 999)
        assert (side.do("take_whole", 3), side.connection.keep) == (b"[1]", True)


async def test_bytes_of_every_kind(compiled: Any) -> None:
    """What is no bytes object but holds bytes is taken as such; what holds none is refused."""
    side = Side(lean_connection, outbox.make_outbox(asyncio.get_running_loop()))
    side.connection.ask(b"a: ", bytearray(b"{}"), 1.0)
    side.box.flush()
    side.connection.data_received(bytearray(PLAIN % (2, b"{}")))
    assert (side.wire.seen, side.connection.take(), side.connection.keep) == ([b"a: 2\r\n\r\n{}"], b"{}", True)
    side.connection.ask(b"a: ", b"", 1.0)
    with pytest.raises(TypeError):
        side.connection.data_received("text")


@pytest.mark.parametrize("made", ["never", "cleared"])
async def test_what_is_not_there_is_an_error(compiled: Any, made: str) -> None:
    """A connection that was never initialised, or whose members were deleted, raises; it does not crash."""
    members = (
        "_shapes",
        "transport",
        "_waiter",
        "failed",
        "headers",
        "status",
        "complete",
        "keep",
        "got_bytes",
        "lost",
    )

    class Heir(compiled.QuickConnection):  # type: ignore[misc]  # chosen at run time
        def abort(self) -> None:
            raise LookupError

        def _parse(self, data: bytes) -> None:
            raise LookupError

    loop = asyncio.get_running_loop()
    heir = Heir.__new__(Heir) if made == "never" else Heir(loop, Shapes(), compiled.Outbox(loop, None), WireHeaders)
    for name in members if made == "cleared" else ():
        delattr(heir, name)
    calls: list[Any] = [lambda: heir.data_received(PLAIN % (2, b"{}"))]
    calls += [lambda size=size: heir.ask(b"a", b"b" * size, 1.0) for size in (1, 70_000)]
    if made == "never":
        calls += [lambda: heir.wait(1.0), heir.take, lambda: heir.take_whole(9)]
    else:
        assert (heir.take_whole(9), heir.take()) == (None, b"")
    heir.overdue(9.0)
    for call in calls:
        with pytest.raises((AttributeError, LookupError)):
            call()
    calls.clear()
    gc.collect()


async def test_whoever_is_written_to_may_take_everything_away(compiled: Any) -> None:
    """A transport that is let go of while it is written to, with its connection's members, is held until it is done."""

    class Treacherous(Wire):
        def writelines(self, pieces: tuple[bytes, ...]) -> None:
            heir.transport = None
            gc.collect()
            super().writelines(pieces)

        def pause_reading(self) -> None:
            heir._waiter = heir.transport = None
            gc.collect()

    class Heir(compiled.QuickConnection):  # type: ignore[misc]  # chosen at run time
        def _parse(self, data: bytes) -> None:
            self.body.append(data)

    loop = asyncio.get_running_loop()
    heir = Heir(loop, Shapes(), compiled.Outbox(loop, None), None)
    heir.transport = Treacherous()
    heir.ask(b"a", b"b" * 70_000, 1.0)
    heir.transport = Treacherous()
    heir.data_received(b"c" * 70_000)
    assert (heir.transport, [len(piece) for piece in heir.body]) == (None, [70_000])


async def test_nothing_is_counted_wrongly(modules: tuple[ModuleType, ModuleType], compiled: Any) -> None:
    """After many requests, the references to what all objects share are as many as before."""
    side = Side(modules[1], compiled.Outbox(asyncio.get_running_loop(), None))

    def rounds(count: int) -> None:
        for _ in range(count):
            side.do("ask", (2, PLAIN % (3, b"[1]"), 1.0))
            side.do("receive", 60)
            side.do("overdue", 0.0)
            side.do("receive", 999)
            side.do("take_whole", 3)
            side.do("wait", 0.0)
            side.do("overdue", 2.0)
            side.box.flush()
            outcome(side.waiters[-1])
            side.waiters.clear()
            side.wire.seen.clear()

    shared = (None, True, False, 0, 200, b"", TimeoutError, modules[1].LeanConnection, compiled.AnswerHead)
    rounds(100)
    before = [sys.getrefcount(one) for one in shared]
    rounds(2000)
    gc.collect()
    assert [abs(sys.getrefcount(one) - was) < 300 for one, was in zip(shared, before, strict=True)] == [True] * 9
