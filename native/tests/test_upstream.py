"""A request over an idle connection, sent by the C, goes as one that is sent by the Python that it hands the unusual to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.provider import Timeouts, UpstreamRequest
from llmgate_core.wire.lean_connection import LeanConnection
from llmgate_core.wire.lean_upstream import LeanUpstream

BEFORE, AFTER = b"POST / HTTP/1.1\r\ncontent-length: ", b"\r\n\r\n"
REQUEST = UpstreamRequest("POST", "http://127.0.0.1:9/v1/chat", {"content-type": "application/json"}, b"{}")
PIECES = {
    "whole": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    "refused": b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n",
    "begun": b"HTTP/1.1 200 OK\r\nconte",
    "rest": b"nt-length: 2\r\n\r\nhi",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n",
    "encoded": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nzzzz",
    "unreadable": b"HTTP/1.1 200 OK\r\ncontent-encoding: rot13\r\ncontent-length: 2\r\n\r\nuv",
    "wrong": b"what?\r\n\r\n",
}


class Line:
    """Stands for a transport: it keeps what it gets, and whether it was given up."""

    def __init__(self, stage: Stage, connection: LeanConnection) -> None:
        self.stage, self.connection = stage, connection
        self.seen, self.number = stage.seen, len(stage.lines)
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.stage.asked = self
        self.seen.append((self.number, data))

    def writelines(self, pieces: Any) -> None:
        if self.stage.broken:
            raise OSError
        self.write(b"".join(pieces))

    def pause_reading(self) -> None:
        self.seen.append((self.number, "pause"))

    def resume_reading(self) -> None:
        self.seen.append((self.number, "resume"))

    def abort(self) -> None:
        self.seen.append((self.number, "abort"))
        self.closing = True


class Stage:
    """A way to a provider with some idle connections, and what happens there. New ones are made without a network."""

    def __init__(self, idle: int, request: UpstreamRequest = REQUEST, *, broken: bool = False) -> None:
        self.request, self.broken = request, broken
        self.seen: list[Any] = []
        self.lines: list[Line] = []
        self.upstream = LeanUpstream(max_connections=3)
        self.idle = idle
        self.task: Any = None
        self.asked: Line | None = None

    async def open(self) -> None:
        """Known to the upstream, as after a first request."""
        await self.upstream.open()
        pool: Any = self.upstream._prepare(self.request).pool
        self.pool = pool
        pool._connect = self.connect
        for _ in range(self.idle):
            connection = await self.pool.take(1.0, fresh=True)
            connection.complete = connection.keep = True
            self.pool.give_back(connection)

    async def connect(self) -> LeanConnection:
        pool = self.pool
        connection = LeanConnection(pool._loop, pool._shapes, pool._outbox)
        line = Line(self, connection)
        self.lines.append(line)
        connection.connection_made(line)
        return connection

    async def play(self, kind: str) -> None:
        """Something happens at the connection that was asked last."""
        line = self.asked
        if kind == "cancel":
            self.seen.append(("cancel", bool(self.task() and self.task().cancel())))
        elif kind == "overdue":
            self.pool.watch(monotonic() + 50)
        elif line is not None and kind in PIECES and not line.closing:
            line.connection.data_received(PIECES[kind])
        elif line is not None and kind in {"closed", "reset"} and not line.connection.lost:
            line.closing = True
            line.connection.connection_lost(None if kind == "closed" else ConnectionResetError())
        await settle()


async def settle() -> None:
    """Turns enough for everything to happen that happens by itself."""
    for _ in range(30):
        await asyncio.sleep(0)


def started(stepped: Any, make: Callable[[], Coroutine[Any, Any, None]]) -> Any:
    """A request that is ``make()``, begun without a task; called, it gives what can be cancelled."""
    requests, known = stepped(make)
    requests.data_received(known.before + b"0" + known.after)
    return lambda: requests._task


def tasked(make: Callable[[], Coroutine[Any, Any, None]]) -> Any:
    """The same in a task, from the beginning of the next turn."""
    task = asyncio.get_running_loop().create_task(make())
    return lambda: None if task.done() else task


async def played(
    stepped: Any, stage: Stage, send: str, script: list[str], *, left: float = 60.0, in_task: bool = False
) -> Any:
    """What comes of a request that is sent in that way, and what is left of the pool."""
    request = stage.request
    await stage.open()
    deadline = monotonic() + left

    async def run() -> None:
        try:
            reply = await getattr(stage.upstream, send)(request, Timeouts(first_byte=20.0), deadline)
            stage.seen.append(("reply", reply.status, dict(reply.headers), reply.whole(100)))
            reply.close()
        except asyncio.CancelledError:
            stage.seen.append(("cancelled", None))
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is compared
            stage.seen.append(("raised", type(error), str(error), type(error.__cause__)))

    stage.task = tasked(run) if in_task else started(stepped, run)
    await settle()
    for kind in script:
        await stage.play(kind)
    state = stage.seen, stage.pool._open, len(stage.pool._idle), len(stage.pool._all)
    await stage.play("cancel")
    await stage.upstream.close()
    return state


HAPPENINGS = st.sampled_from([*PIECES, "whole", "whole", "closed", "reset", "overdue", "cancel"])


@settings(max_examples=300)
@given(st.integers(0, 2), st.lists(HAPPENINGS, max_size=5), st.sampled_from([60.0, 60.0, -1.0]), st.booleans())
async def test_both_send_the_same(stepped: Any, idle: int, script: list[str], left: float, in_task: bool) -> None:
    """Whatever comes of it: the same bytes to the same connections, the same answer or error, the same pool."""
    logs = [
        await played(stepped, Stage(idle), send, script, left=left, in_task=in_task) for send in ("_patiently", "send")
    ]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("broken", [False, True])
async def test_a_large_body(stepped: Any, *, broken: bool) -> None:
    """It goes out at once; where it cannot, the connection is given up and the request fails."""
    request = UpstreamRequest("POST", REQUEST.url, REQUEST.headers, b"x" * 100_000)
    stages = {send: Stage(1, request, broken=broken) for send in ("_patiently", "send")}
    logs = [await played(stepped, stage, send, ["whole"]) for send, stage in stages.items()]
    assert logs[0] == logs[1]
    assert logs[0][1:] == ((0, 0, 0) if broken else (1, 1, 1))


async def begun(compiled: Any, idle: int = 1) -> tuple[Stage, Any]:
    """A stage, and what sends a request there."""
    stage = Stage(idle)
    await stage.open()
    assert issubclass(LeanUpstream, compiled.QuickUpstream)
    return stage, stage.upstream.send(REQUEST, Timeouts(), monotonic() + 60)


async def test_nothing_is_sent_before_it_is_awaited(compiled: Any) -> None:
    """Nor is a connection taken: neither by what is never awaited, nor by what is closed, or thrown into."""
    stage, sending = await begun(compiled)
    sending.close()
    with pytest.raises(RuntimeError, match="once"):
        sending.send(None)
    another: Any = stage.upstream.send(REQUEST, Timeouts(), 0.0)
    with pytest.raises(LookupError, match="why"):
        another.throw(LookupError, LookupError("why"), None)
    with pytest.raises(RuntimeError, match="once"):
        another.send(None)
    assert (stage.seen, len(stage.pool._idle)) == ([], 1)
    await stage.upstream.close()


async def test_in_a_task(compiled: Any) -> None:
    """A task waits for futures only, and is given one."""
    stage, sending = await begun(compiled)

    async def run() -> Any:
        return await sending

    task = asyncio.get_running_loop().create_task(run())
    await settle()
    await stage.play("whole")
    assert (await task).whole(9) == b"hi"
    await stage.upstream.close()


@pytest.mark.parametrize("idle", [0, 1])
async def test_a_request_that_is_given_up(compiled: Any, stepped: Any, idle: int) -> None:
    """A coroutine that is closed while it waits gives its connection up, or the wait for one."""
    stage, sending = await begun(compiled, idle)
    over: list[str] = []

    async def run() -> None:
        try:
            await sending
        finally:
            over.append("over")

    coroutine = run()
    started(stepped, lambda: coroutine)
    coroutine.close()
    await settle()
    assert (over, stage.pool._open, stage.pool._idle) == (["over"], 0, [])
    assert stage.seen[-1:] == [(0, "abort")]
    await stage.upstream.close()


async def test_what_is_deleted_is_an_error(compiled: Any, stepped: Any) -> None:
    """No crash, whatever a subclass does to it."""
    bare = compiled.QuickUpstream.__new__(compiled.QuickUpstream)
    for arguments in ((), (1, 2), (1, 2, 3, 4)):
        with pytest.raises(TypeError):
            bare.send(*arguments)
    with pytest.raises(AttributeError):
        bare.send(REQUEST, Timeouts(), 0.0).send(None)
    seen: list[type[BaseException]] = []

    async def run() -> None:
        for request, timeouts, deadline in (
            (REQUEST, None, 0.0),
            (None, Timeouts(), 0.0),
            (REQUEST, Timeouts(), "soon"),
        ):
            try:
                await stage.upstream.send(request, timeouts, deadline)  # type: ignore[arg-type]  # what is tested
            except Exception as error:  # noqa: BLE001  # whatever it is, it is what is compared
                seen.append(type(error))

    stage = Stage(1)
    await stage.open()
    started(stepped, run)
    await settle()
    assert seen == [AttributeError, AttributeError, TypeError]
    assert len(stage.pool._idle) == 1
    await stage.upstream.close()
