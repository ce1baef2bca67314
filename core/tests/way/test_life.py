"""Starting, serving, replacing and stopping a gateway, with requests in flight."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from llmgate_core import Plugin
from llmgate_core.config import ConfigError
from llmgate_core.testing import Gate, Reply, ScriptedUpstream, Stall, Stream

SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
ASKED = b'{"model":"one/m","text":"hi"}'
STREAMED = b'{"model":"one/m","text":"hi","stream":true}'


def opens(log: list[str], name: str, *, fail: str = "") -> type[Plugin]:
    """A plugin that notes when its lifespan is entered and left."""

    class Opens(Plugin):
        @asynccontextmanager
        async def llmgate_lifespan(self) -> Any:
            if fail == "enter":
                raise ValueError("no room")
            log.append(f"+{name}")
            yield
            log.append(f"-{name}")
            if fail == "leave":
                raise ValueError("stuck")

    return Opens


async def test_lifespan_nests(serve: Any) -> None:
    """Plugins enter in the order of the list and leave in reverse; the hook may leave out its argument."""
    log: list[str] = []
    gate = await serve(opens(log, "a"), opens(log, "b"))
    assert log == ["+a", "+b"]
    await gate.stop()
    assert log == ["+a", "+b", "-b", "-a"]


async def test_lifespan_failure_rolls_back(serve: Any) -> None:
    """When one plugin cannot start, those before it are left again, and the message names plugin, hook and cure."""
    log: list[str] = []
    with pytest.raises(ConfigError) as caught:
        await serve(opens(log, "a"), opens(log, "b", fail="enter"), opens(log, "c"))
    assert log == ["+a", "-a"]
    assert str(caught.value) == (
        "plugin 'b': failed in llmgate_lifespan: no room; mend it, or disable it with [gateway] disable = [\"b\"]"
    )


async def test_lifespan_failure_on_leaving(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A plugin that fails on leaving is named in the log, and the others are left all the same."""
    log: list[str] = []
    gate = await serve(opens(log, "a"), opens(log, "b", fail="leave"))
    await gate.stop()
    assert log == ["+a", "+b", "-b", "-a"]
    assert "plugin 'b' failed in leaving llmgate_lifespan" in caplog.text


async def coroutine(self: Any) -> None:
    """What a lifespan is when its decorator was forgotten."""


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (lambda self: None, "it returned a NoneType, not an async context manager"),
        (
            coroutine,
            "it returned a coroutine; decorate the method with @contextlib.asynccontextmanager, and yield once",
        ),
    ],
)
async def test_lifespan_of_a_wrong_type(serve: Any, plugin: Any, returned: Any, told: str) -> None:
    """A lifespan that is no context manager is told as what it is."""
    with pytest.raises(ConfigError) as caught:
        await serve(plugin(llmgate_lifespan=returned))
    assert told in str(caught.value)


async def test_stop_lets_requests_finish(serve: Any, served: Any, toy: Any) -> None:
    """A stream in flight is finished, no new connection is accepted, and the lifespan is left after it."""
    gate = Gate()
    log: list[str] = []
    frames = [toy.frame(start="1", model="m"), toy.frame(text="a"), gate, toy.frame(finish="stop"), toy.END]
    async with ScriptedUpstream(Stream(frames)) as upstream:
        house = await serve(opens(log, "a"), providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await house.talk(house.request("/chat", STREAMED))
        await talk.until(b'"a"')
        stopping = asyncio.create_task(house.stop(10))
        await asyncio.sleep(0.05)
        assert not stopping.done()
        assert log == ["+a"]
        with pytest.raises(ConnectionError):
            await house.talk()
        gate.open()
        await talk.until(b"[END]")
        assert (await talk.rest()).endswith(b"0\r\n\r\n")
        await stopping
    assert house.log.outcomes == ["ok"]
    assert log == ["+a", "-a"]


async def test_stop_cancels_after_its_grace(serve: Any, served: Any) -> None:
    """What does not finish in time is cancelled, and noted once."""
    async with ScriptedUpstream(Stall()) as upstream:
        house = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await house.talk(house.request("/chat", ASKED))
        await served.eventually(lambda: upstream.requests)
        await house.stop(0.05)
        assert len(house.log.exchanges) == 1
        assert house.gateway.active == 0
        async with asyncio.timeout(10):
            await asyncio.wrap_future(upstream.requests[0].left)
        talk.leave()


async def test_stop_closes_idle_connections(serve: Any) -> None:
    """A client that keeps its connection open does not keep the server up."""
    house = await serve()
    talk = await house.talk(house.request("/chat", b'{"model":"parrot/small","text":"x"}'))
    await talk.until(b"}}")
    async with asyncio.timeout(5):
        stopping = asyncio.create_task(house.stop(30))
        await talk.rest()
        await stopping


async def test_replace_under_load(serve: Any, served: Any) -> None:
    """While gateways are put in place one after the other, no request fails, and each old one is left once."""
    log: list[str] = []
    async with ScriptedUpstream(respond=lambda _: Reply.of(SAID)) as upstream:
        house = await serve(opens(log, "a"), providers={"one": {"type": "toy", "base_url": upstream.url}})
        done = asyncio.Event()
        statuses: list[int] = []

        async def client() -> None:
            while not done.is_set():
                statuses.append((await house.post("/chat", ASKED)).status)

        clients = [asyncio.create_task(client()) for _ in range(5)]
        for _ in range(5):
            count = len(statuses)
            await house.server.replace(house.build())
            await served.eventually(lambda count=count: len(statuses) > count + 5)
        done.set()
        await asyncio.gather(*clients)
        await house.stop()
    assert set(statuses) == {200}
    assert (log.count("+a"), log.count("-a")) == (6, 6)
    assert len(house.log.exchanges) == len(statuses)


async def test_replaced_gateway_leaves_after_its_last_request(serve: Any, served: Any, toy: Any) -> None:
    """A stream that began under the old gateway ends under it; only then is the old one's lifespan left."""
    gate = Gate()
    log: list[str] = []
    frames = [toy.frame(start="1", model="m"), toy.frame(text="a"), gate, toy.frame(finish="stop"), toy.END]
    async with ScriptedUpstream(Stream(frames)) as upstream:
        house = await serve(opens(log, "a"), providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await house.talk(house.request("/chat", STREAMED))
        await talk.until(b'"a"')
        await house.server.replace(house.build())
        assert (await house.post("/chat", b'{"model":"parrot/small","text":"x"}')).status == 200
        assert log == ["+a", "+a"]
        gate.open()
        await talk.until(b"[END]")
        await served.eventually(lambda: log == ["+a", "+a", "-a"])
        talk.leave()


async def test_failed_replacement_keeps_the_old_gateway(serve: Any, plugin: Any) -> None:
    """A new gateway that cannot start changes nothing for those who are served."""
    starts: list[int] = []

    @asynccontextmanager
    async def once(self: Any) -> Any:
        starts.append(1)
        if len(starts) > 1:
            raise OSError("the port is taken")
        yield

    house = await serve(plugin(llmgate_lifespan=once))
    with pytest.raises(ConfigError, match="the port is taken"):
        await house.server.replace(house.build())
    assert (await house.post("/chat", b'{"model":"parrot/small","text":"x"}')).status == 200


async def test_two_gateways_in_one_process(serve: Any) -> None:
    """Two gateways know nothing of each other."""
    first = await serve()
    second = await serve(unsupported="drop")
    assert first.port != second.port
    for gate in (first, second):
        assert (await gate.post("/chat", b'{"model":"parrot/small","text":"x"}')).status == 200
    await first.stop()
    assert (await second.post("/chat", b'{"model":"parrot/small","text":"x"}')).status == 200
    assert (len(first.log.exchanges), len(second.log.exchanges)) == (1, 2)


async def test_slow_reader_slows_the_provider(serve: Any, served: Any, toy: Any) -> None:
    """A client that does not read stops the gateway from reading: what is in flight stays bounded."""
    sent = [0]
    piece = toy.frame(text="x" * 60_000)

    class Flood:
        """Sends without end, and counts what was taken off its hands."""

        async def play(self, line: Any) -> bool:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            await line.send(head)
            while sent[0] < 400 * 1024 * 1024:
                await line.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                sent[0] += len(piece)
            return False

    async with ScriptedUpstream(Flood()) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await gate.talk(gate.request("/chat", STREAMED))
        before = -1
        while sent[0] != before or not before:
            before = sent[0]
            await asyncio.sleep(0.3)
        assert 0 < sent[0] < 64 * 1024 * 1024
        talk.leave()
        await served.eventually(lambda: gate.log.outcomes == ["client_left"])
