"""The lean lane's connections to one origin: bounded, queued for, renewed with age."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from llmgate_core.provider import Timeouts
from llmgate_core.testing import Gate, Reply, ScriptedUpstream, Stall, Stream
from llmgate_core.upstream_errors import UpstreamOverloaded
from llmgate_core.wire import lean_pool
from llmgate_core.wire.lean_pool import LeanPool
from llmgate_core.wire.lean_upstream import LeanUpstream

if TYPE_CHECKING:
    from core.tests.wire.conftest import Ask

OK = Reply(body=b"fine")
Lean = Callable[..., Awaitable[LeanUpstream]]


@pytest.fixture
async def lean() -> AsyncIterator[Lean]:
    """Makes lean upstreams that are closed in the end."""
    made: list[LeanUpstream] = []

    async def make(**options: Any) -> LeanUpstream:
        made.append(LeanUpstream(**options))
        await made[-1].open()
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_connections_are_kept_and_shared(lean: Lean, ask: Ask) -> None:
    """One after the other they use one connection; at the same time, as many as allowed, and the rest wait their turn."""
    async with ScriptedUpstream(respond=lambda _: Stream([0.02, b"fine"])) as upstream:
        way = await lean(max_connections=3)
        for _ in range(3):
            assert await ask(way, upstream.url) == b"fine"
        assert upstream.connections == 1
        assert await asyncio.gather(*(ask(way, upstream.url) for _ in range(6))) == [b"fine"] * 6
        assert upstream.connections == 3


async def test_a_full_queue_refuses_at_once(lean: Lean, ask: Ask) -> None:
    """As many may wait as may be served; one more is told so, and those that wait are served."""
    gate = Gate()
    async with ScriptedUpstream(respond=lambda _: Stream([gate, b"fine"])) as upstream:
        way = await lean(max_connections=2)
        asking = [asyncio.create_task(ask(way, upstream.url)) for _ in range(4)]
        await asyncio.to_thread(upstream.wait_for, 2)
        with pytest.raises(UpstreamOverloaded, match=r"2 connections .* are busy, and as many requests wait"):
            await ask(way, upstream.url)
        gate.open()
        assert await asyncio.gather(*asking) == [b"fine"] * 4


async def test_waiting_has_an_end(lean: Lean, ask: Ask) -> None:
    """Who waits for a connection waits no longer than for connecting; the place in the queue is free again."""
    gate = Gate()
    async with ScriptedUpstream(respond=lambda _: Stream([gate, b"fine"])) as upstream:
        way = await lean(max_connections=1)
        busy = asyncio.create_task(ask(way, upstream.url))
        await asyncio.to_thread(upstream.wait_for, 1)
        for _ in range(2):
            with pytest.raises(UpstreamOverloaded, match="were busy for"):
                await ask(way, upstream.url, Timeouts(connect=0.05))
        waiting = asyncio.create_task(ask(way, upstream.url))
        gate.open()
        assert [await busy, await waiting] == [b"fine"] * 2


async def test_who_leaves_the_queue_leaves_no_hole(lean: Lean, ask: Ask) -> None:
    """A request cancelled while it waits takes no connection with it."""
    gate = Gate()
    async with ScriptedUpstream(respond=lambda _: Stream([gate, b"fine"])) as upstream:
        way = await lean(max_connections=1)
        asking = [asyncio.create_task(ask(way, upstream.url)) for _ in range(2)]
        await asyncio.to_thread(upstream.wait_for, 1)
        asking[1].cancel()
        await asyncio.wait(asking[1:])
        asking[0].cancel()
        await asyncio.wait(asking)
        gate.open()
        assert await ask(way, upstream.url) == b"fine"


async def test_overload_is_a_503(serve: Any, body: Any) -> None:
    """What a client is told when all connections to a provider are busy: try again, elsewhere or later."""
    async with ScriptedUpstream(Stall(), Stall()) as upstream:
        timeouts = {"connect": 0.2}
        gate = await serve(
            providers={"one": {"type": "toy", "base_url": upstream.url, "timeouts": timeouts}}, max_connections=1
        )
        stuck = await gate.talk(gate.request("/chat", body("one/m")))
        await asyncio.to_thread(upstream.wait_for, 1)
        answer = await gate.post("/chat", body("one/m"))
        stuck.leave()
    if gate.server._lane.use_lean:
        assert (answer.status, answer.error["code"]) == (503, "upstream_overloaded")
    else:
        assert answer.status in {503, 504}
    assert "not_sent" in gate.log.results


async def pooled(upstream: ScriptedUpstream) -> LeanPool:
    """A pool with one connection that was used and given back."""
    pool = LeanPool("127.0.0.1", upstream.port, None, 2)
    connection = await pool.take(5)
    due = monotonic() + 5
    await connection.ask(b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n", b"{}", due)
    while not connection.complete:
        await connection.wait(due)
    connection.take()
    pool.give_back(connection)
    return pool


@pytest.mark.parametrize(("since", "limit"), [("born", lean_pool.AGE_SECONDS), ("idle_since", lean_pool.IDLE_SECONDS)])
async def test_what_is_too_old_is_not_used(since: str, limit: float) -> None:
    """A connection that was idle or lived too long is closed instead of used; a younger one is used."""
    async with ScriptedUpstream(OK, OK) as upstream:
        pool = await pooled(upstream)
        connection = pool.pick()
        assert connection is not None
        pool.give_back(connection)
        connection.complete = connection.keep = True
        assert pool.pick() is connection
        pool.give_back(connection)
        setattr(connection, since, monotonic() - limit - 1)
        assert pool.pick() is None
        assert connection.transport.is_closing()
        await asyncio.wrap_future(upstream.requests[0].left)


async def test_idle_connections_are_swept() -> None:
    """What nobody uses is closed without being asked for; what is still fresh stays."""
    async with ScriptedUpstream(OK, OK) as upstream:
        pool = await pooled(upstream)
        pool.sweep()
        connection = pool.pick()
        assert connection is not None
        pool.give_back(connection)
        connection.idle_since = monotonic() - lean_pool.IDLE_SECONDS - 1
        pool.sweep()
        assert connection.transport.is_closing()
        await asyncio.wrap_future(upstream.requests[0].left)
        assert pool.pick() is None
