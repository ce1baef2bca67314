"""A client that leaves closes its provider's connection, in every phase, and is noted exactly once."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from llmgate_core import Retry
from llmgate_core.events import BlockDelta, BlockStart, Start
from llmgate_core.messages import Text
from llmgate_core.testing import Gate, Reply, ScriptedUpstream, Stall, Stream

PATIENCE = 10.0


def asks(*, stream: bool = False, model: str = "one/m") -> bytes:
    """The request of the client that leaves."""
    return json.dumps({"model": model, "text": "hi", "stream": stream}).encode()


async def upstream_left(upstream: ScriptedUpstream, number: int = 0) -> None:
    """The gateway closed its connection to the provider."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.wrap_future(upstream.requests[number].left)


async def noted(served: Any, gate: Any) -> Any:
    """The one exchange that observers were told of, after everything has come to rest."""
    await served.eventually(lambda: gate.log.exchanges)
    await served.eventually(lambda: gate.gateway.active == 0)
    (exchange,) = gate.log.exchanges
    assert exchange.outcome == "client_left"
    return exchange


@pytest.mark.parametrize("stream", [False, True])
async def test_waiting_for_the_head(serve: Any, served: Any, *, stream: bool) -> None:
    """The request is sent, and nothing has come back."""
    async with ScriptedUpstream(Stall()) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await gate.talk(gate.request("/chat", asks(stream=stream)))
        await served.eventually(lambda: upstream.requests)
        talk.leave()
        await upstream_left(upstream)
        exchange = await noted(served, gate)
    assert gate.log.results == ["ambiguous"]
    assert exchange.status == 0


async def test_waiting_for_a_whole_body(serve: Any, served: Any) -> None:
    """The head has come, the body stands still."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
    async with ScriptedUpstream(Stall(head)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await gate.talk(gate.request("/chat", asks()))
        await served.eventually(lambda: gate.gateway.active and upstream.requests)
        await asyncio.sleep(0.05)
        talk.leave()
        await upstream_left(upstream)
        await noted(served, gate)


@pytest.mark.parametrize("path", ["/chat", "/say"])
async def test_hold_back(serve: Any, served: Any, toy: Any, path: str) -> None:
    """Lifecycle frames have come, no content: nothing is written to the client yet."""
    stream = Stream([toy.frame(start="1", model="m")], ending="stall")
    async with ScriptedUpstream(stream) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        body = asks(stream=True).replace(b'"text"', b'"say"' if path == "/say" else b'"text"')
        talk = await gate.talk(gate.request(path, body))
        await served.eventually(lambda: upstream.requests)
        await asyncio.sleep(0.05)
        talk.leave()
        await upstream_left(upstream)
        exchange = await noted(served, gate)
    assert (exchange.committed_at, gate.log.results) == (None, ["ambiguous"])


@pytest.mark.parametrize("path", ["/chat", "/say"])
async def test_mid_stream(serve: Any, served: Any, toy: Any, path: str) -> None:
    """Content has come, more will: the attempt is partial."""
    stream = Stream([toy.frame(start="1", model="m"), toy.frame(text="first")], ending="stall")
    async with ScriptedUpstream(stream) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        body = asks(stream=True).replace(b'"text"', b'"say"' if path == "/say" else b'"text"')
        talk = await gate.talk(gate.request(path, body))
        await talk.until(b"first")
        talk.leave()
        await upstream_left(upstream)
        exchange = await noted(served, gate)
    assert (exchange.status, gate.log.results) == (200, ["partial"])


@pytest.mark.parametrize("path", ["/chat", "/say"])
async def test_between_the_end_marker_and_the_end(serve: Any, served: Any, toy: Any, path: str) -> None:
    """The client has all it asked for and goes; of the provider's body only the last chunk is missing: nothing stays taken."""
    stream = Stream([toy.frame(start="1", model="m"), toy.frame(text="a"), toy.frame(finish="stop"), toy.END, Gate()])
    async with ScriptedUpstream(stream) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        body = asks(stream=True).replace(b'"text"', b'"say"' if path == "/say" else b'"text"')
        talk = await gate.talk(gate.request(path, body))
        await talk.until(b"\r\n0\r\n\r\n")
        talk.leave(reset=True)
        await upstream_left(upstream)
        await served.eventually(lambda: gate.gateway.active == 0)
    assert (gate.log.outcomes, gate.log.results) == (["ok"], ["ok"])


async def test_in_a_hook(serve: Any, served: Any, plugin: Any) -> None:
    """A plugin that waits is cancelled; no provider is asked."""
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(self: Any) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with ScriptedUpstream() as upstream:
        gate = await serve(
            plugin(llmgate_pre_request=wait), providers={"one": {"type": "toy", "base_url": upstream.url}}
        )
        talk = await gate.talk(gate.request("/chat", asks()))
        await entered.wait()
        talk.leave()
        async with asyncio.timeout(PATIENCE):
            await cancelled.wait()
        await noted(served, gate)
    assert (upstream.requests, gate.log.attempts) == ([], [])


async def test_f87_back_off(serve: Any, served: Any, plugin: Any) -> None:
    """While the gateway waits to try again: no further attempt is made."""
    policy = plugin(llmgate_on_error=lambda self: Retry(after=30))
    async with ScriptedUpstream(respond=lambda _: Reply.of({"error": {"message": "busy"}}, 503)) as upstream:
        gate = await serve(policy, providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await gate.talk(gate.request("/chat", asks()))
        await served.eventually(lambda: gate.log.attempts)
        talk.leave()
        await noted(served, gate)
        assert len(upstream.requests) == 1
    assert gate.log.results == ["rejected"]


async def test_connecting(serve: Any, served: Any) -> None:
    """The provider's host does not answer the handshake: the backlog of its socket is full."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(full.getsockname())
        fillers.append(one)
    url = f"http://127.0.0.1:{full.getsockname()[1]}"
    gate = await serve(providers={"one": {"type": "toy", "base_url": url, "timeouts": {"connect": 60}}})
    talk = await gate.talk(gate.request("/chat", asks()))
    await served.eventually(lambda: gate.gateway.active)
    await asyncio.sleep(0.05)
    talk.leave()
    await noted(served, gate)
    for one in (*fillers, full):
        one.close()


async def test_local_provider_is_closed(serve: Any, served: Any, toy: Any) -> None:
    """A provider in this process learns it as the closing of its generator."""
    closed = asyncio.Event()

    async def endless(_: Any) -> Any:
        try:
            yield Start("1", "m")
            yield BlockStart(0, Text(""))
            while True:
                yield BlockDelta(0, "text", "x")
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    gate = await serve(toy.offering(endless))
    talk = await gate.talk(gate.request("/chat", asks(stream=True, model="local/m")))
    await talk.until(b'"x"')
    talk.leave()
    async with asyncio.timeout(PATIENCE):
        await closed.wait()
    await noted(served, gate)


async def test_b86_swallowed_cancellation(serve: Any, served: Any, plugin: Any) -> None:
    """A plugin that swallows the cancellation does not bring a provider into it, and the request ends."""
    entered = asyncio.Event()

    async def stubborn(self: Any) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async with ScriptedUpstream(respond=lambda _: Stall()) as upstream:
        gate = await serve(
            plugin(llmgate_pre_request=stubborn), providers={"one": {"type": "toy", "base_url": upstream.url}}
        )
        talk = await gate.talk(gate.request("/chat", asks()))
        await entered.wait()
        talk.leave()
        await noted(served, gate)
    assert upstream.requests == []


@pytest.mark.parametrize("then", ["another try", "the next request"])
async def test_while_an_observer_is_told(serve: Any, served: Any, plugin: Any, then: str) -> None:
    """Observers are all told, cancelled or not; what was to follow does not: no other try, no pipelined request."""
    told = asyncio.Event()

    async def listen(self: Any) -> None:
        told.set()
        await asyncio.sleep(PATIENCE)

    if then == "another try":
        observer, first = "llmgate_attempt_done", Reply.of({"error": {"message": "busy"}}, 503)
    else:
        observer, first = "llmgate_post_response", Reply.of({"id": "1", "model": "m", "text": "a", "finish": "stop"})
    hooks = {observer: listen, "llmgate_on_error": lambda self: Retry(after=30)}
    async with ScriptedUpstream(first, respond=lambda _: Stall()) as upstream:
        gate = await serve(plugin(**hooks), providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await gate.talk(gate.request("/chat", asks()) * 2)
        await told.wait()
        talk.leave(reset=True)
        await served.eventually(lambda: gate.gateway.active == 0)
        await asyncio.sleep(0.05)
        assert (gate.gateway.active, len(upstream.requests)) == (0, 1)


async def test_other_requests_are_untouched(serve: Any, served: Any, toy: Any) -> None:
    """One client leaving does not disturb another whose request is with the same provider."""
    gone = Gate()
    frames = [toy.frame(start="1", model="m"), toy.frame(text="a"), gone, toy.frame(finish="stop"), toy.END]
    async with ScriptedUpstream(Stream(frames), Stall()) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        stays = await gate.talk(gate.request("/chat", asks(stream=True)))
        await stays.until(b'"a"')
        leaves = await gate.talk(gate.request("/chat", asks()))
        await served.eventually(lambda: len(upstream.requests) == 2)
        leaves.leave()
        await upstream_left(upstream, 1)
        await served.eventually(lambda: gate.log.outcomes == ["client_left"])
        gone.open()
        await stays.until(
            b"\r\n0\r\n\r\n"
        )  # behind [END] comes the end of the body: who closes before it has left too early
        await served.eventually(lambda: gate.log.outcomes == ["client_left", "ok"])
