"""Served for real: thousands of requests in a row, clients that leave at any moment, and waits that end somewhere else."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import socket
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from llmgate_core import Exchange, Plugin, Target
from llmgate_core.decisions import Next
from llmgate_core.testing import Answer, ScriptedUpstream, ServeGateway, Stall
from llmgate_core.testing.plain import say, told, told_stream

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def quiet(compiled: Any, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is said of tasks or futures that nobody looked after."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def post(body: bytes) -> bytes:
    """A request that leaves the connection open."""
    head = (
        f"POST /plainly/plain/chat HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


def asks(model: str, **fields: Any) -> bytes:
    """A request for a model."""
    return post(json.dumps(say(model=model, **fields)).encode())


async def connect(server: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of a client."""
    return await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next whole answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
    return int(head.split()[1]), await reader.readexactly(size)


def pools(server: Any) -> list[Any]:
    """The pools of connections to providers."""
    return list(server.gateway._calls._upstream._pools.values())


async def come_to_rest(server: Any) -> None:
    """Wait until no request is in hand, and each connection to a provider is idle: one that is lost is never."""
    async with asyncio.timeout(PATIENCE):
        while server.gateway.active or any(not len(one._idle) == len(one._all) == one._open for one in pools(server)):  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.01)


def sort(number: int) -> tuple[bytes, int, bytes]:
    """One of the sorts of requests that are answered without a wait; its answer's status, and what its body says."""
    if number % 4 == 0:
        return asks(f"unknown-{number}"), 404, b"unknown-%d'" % number
    if number % 4 == 1:
        return asks(f"nobody/m{number}"), 404, b"nobody"
    return post(b'{"model": %d}' % number if number % 4 == 2 else b"{" + b" " * (number % 9)), 400, b""


async def test_very_many_requests_in_a_row(serve_gateway: ServeGateway) -> None:
    """20,000 requests in one go, all sorts that are answered without a wait: each has its answer, in order, none too deep."""
    wanted = [sort(number) for number in range(20_000)]
    async with serve_gateway() as server, asyncio.timeout(PATIENCE):
        assert not server.gateway.may_wait
        reader, writer = await connect(server)
        writer.writelines(request for request, _, _ in wanted)
        for number, (_, status, words) in enumerate(wanted):
            got, body = await answer(reader)
            assert got == status, (number, body)
            assert words in body, number
        writer.close()
        await come_to_rest(server)


async def test_good_ones_among_them_wait_for_the_provider(serve_gateway: ServeGateway) -> None:
    """Those that go to a provider, in this process or over a socket, hold up the next ones and lose none."""
    async with ScriptedUpstream(respond=lambda _: told("From afar.")) as upstream:
        config = {"providers": {"far": {"type": "plain", "base_url": upstream.url}}}
        async with serve_gateway(config) as server, asyncio.timeout(PATIENCE):
            reader, writer = await connect(server)
            models = [("far/m", 200), ("parrot/any", 200), ("unknown", 404), ("far/m", 200)] * 50
            writer.writelines(asks(model) for model, _ in models)
            for model, status in models:
                got, body = await answer(reader)
                assert got == status, body
                assert (b"From afar." in body) is (model == "far/m")
            writer.close()
            await come_to_rest(server)
            assert [pool._open for pool in pools(server)] == [1]


async def test_clients_that_leave_at_any_moment(serve_gateway: ServeGateway) -> None:
    """Whenever they do, no connection to a provider stays taken, and the next client is served."""
    moments = random.Random(7)
    answers: list[Answer] = [told("x" * 10), told("x" * 100_000), told_stream("a b c"), Stall(), Stall(b"HTTP/1.1 2")]
    async with ScriptedUpstream(respond=lambda _: moments.choice(answers)) as upstream:
        config = {"providers": {"far": {"type": "plain", "base_url": upstream.url}}}
        async with serve_gateway(config) as server, asyncio.timeout(PATIENCE):
            for number in range(150):
                _, writer = await connect(server)
                writer.write(asks("far/m", stream=number % 3 == 0) * moments.choice([1, 1, 3]))
                for _ in range(moments.choice([0, 1, 2, 5, 10, 30])):
                    await asyncio.sleep(0)
                await asyncio.sleep(moments.choice([0, 0, 0.001, 0.002]))
                writer.transport.abort()
            await come_to_rest(server)
            (pool,) = pools(server)
            assert (set(pool._idle), len(pool._waiters)) == (pool._all, 0)
            upstream.respond = lambda _: told("Still here.")
            reader, writer = await connect(server)
            writer.write(asks("far/m"))
            assert (await answer(reader))[0] == 200
            writer.close()


class InTurn(Plugin):
    """Two providers, the second for when the first fails."""

    def llmgate_select_provider(self, exchange: Exchange) -> tuple[Target, ...]:
        """See the hook."""
        return tuple(Target.parse(one) for one in exchange.model.split("+"))

    def llmgate_on_error(self, exchange: Exchange) -> Next:
        """See the hook."""
        return Next()


async def test_a_wait_that_ends_goes_on_somewhere_new(serve_gateway: ServeGateway) -> None:
    """A timeout on which another provider is asked for the first time: the clock that ended it goes on ticking for others."""
    async with (
        ScriptedUpstream(respond=lambda _: Stall()) as silent,
        ScriptedUpstream(respond=lambda _: told("One.")) as one,
        ScriptedUpstream(respond=lambda _: told("Two.")) as two,
    ):
        providers = {
            "silent": {"type": "plain", "base_url": silent.url, "timeouts": {"first_byte": 0.1}},
            "one": {"type": "plain", "base_url": one.url},
            "two": {"type": "plain", "base_url": two.url},
        }
        async with serve_gateway({"providers": providers}, plugins=[InTurn]) as server, asyncio.timeout(PATIENCE):
            reader, writer = await connect(server)
            for name, words in (("one", b"One."), ("two", b"Two."), ("one", b"One.")):
                writer.write(asks(f"silent/m+{name}/m"))
                status, body = await answer(reader)
                assert (status, words in body) == (200, True)
            writer.close()


class Forgetful(asyncio.Protocol):
    """A provider that keeps nothing of what it is asked: what is counted here is the gateway's."""

    def connection_made(self, transport: Any) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`: a small request comes in one piece."""
        body = told("Hello.").body
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def test_what_is_shared_is_counted_rightly(serve_gateway: ServeGateway) -> None:
    """After many requests of all kinds, None, True and their like have as many references as before."""
    async with await asyncio.get_running_loop().create_server(Forgetful, "127.0.0.1", 0) as upstream:
        host, port = upstream.sockets[0].getsockname()
        config = {"providers": {"far": {"type": "plain", "base_url": f"http://{host}:{port}"}}}
        async with serve_gateway(config) as server, asyncio.timeout(PATIENCE):
            reader, writer = await connect(server)
            shared = (None, True, False, 0, 200, b"", (), "")

            async def rounds(count: int) -> list[int]:
                for _ in range(count):
                    for model, status in (("far/m", 200), ("unknown", 404)):
                        writer.write(asks(model))
                        assert (await answer(reader))[0] == status
                gc.collect()
                return [sys.getrefcount(one) for one in shared]

            await rounds(50)
            before, after = await rounds(50), await rounds(250)
            writer.close()
            assert [abs(now - was) < 100 for was, now in zip(before, after, strict=True)] == [True] * len(shared)


async def test_two_loops_in_two_threads(serve_gateway: ServeGateway) -> None:
    """Two gateways, each stepping its requests in a thread of its own, do not step on each other."""

    async def one(count: int) -> list[int]:
        async with ScriptedUpstream(respond=lambda _: told("Hello.")) as upstream:
            config = {"providers": {"far": {"type": "plain", "base_url": upstream.url}}}
            async with serve_gateway(config) as server:
                return await asyncio.to_thread(ask_all, server, count)

    def ask_all(server: Any, count: int) -> list[int]:
        found = []
        with (
            socket.create_connection(("127.0.0.1", urlsplit(server.url).port), PATIENCE) as sock,
            sock.makefile("rb") as file,
        ):
            for _ in range(count):
                sock.sendall(asks("far/m"))
                status = int(file.readline().split()[1])
                lines = iter(file.readline, b"\r\n")
                size = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
                list(lines)
                file.read(size)
                found.append(status)
        return found

    here, there = await asyncio.gather(one(100), asyncio.to_thread(lambda: asyncio.run(one(100))))
    assert here == there == [200] * 100
