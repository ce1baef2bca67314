"""Clients that do not read: their providers are slowed, memory stays bounded, and in the end they are given up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from attrs import define

from llmgate_core.testing import Reply, ScriptedUpstream, Stream
from llmgate_core.testing.answers import Line, head
from llmgate_core.wire.slow import SlowLimits

CROWD = 100
SMALL_BUFFER = 16 * 1024
FRAMES_AT_ONCE = 16 * 1024
MARKS = (64 + 64 + 256) * 1024
"""What the gateway may hold of one stream: its high-water marks towards client and provider, and the read that passes one."""


@define
class Flood:
    """A stream without end, as fast as it is taken; ``sent`` counts its bytes."""

    frames: bytes
    sent: int = 0
    ended: bool = False

    async def play(self, line: Line) -> bool:
        """Until the peer leaves."""
        sock: socket.socket = line._socket.get_extra_info("socket")  # type: ignore[attr-defined]
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        await line.send(head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        piece = b"%x\r\n%b\r\n" % (len(self.frames), self.frames)
        try:
            while True:
                await line.send(piece)
                self.sent += len(piece)
                await asyncio.sleep(0)
        finally:
            self.ended = True


def flood(toy: Any) -> Flood:
    """Many small frames in each write."""
    one: bytes = toy.frame(text="x" * 2000)
    return Flood(one * (FRAMES_AT_ONCE // len(one)))


Deaf = Callable[[Any, bytes], Awaitable[socket.socket]]


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    """Makes a client that asks and reads nothing, with a small receive buffer."""
    made: list[socket.socket] = []

    async def ask(gate: Any, request: bytes) -> socket.socket:
        made.append(socket.socket())
        return await asked(made[-1], gate, request)

    yield ask
    for sock in made:
        sock.close()


async def asked(sock: socket.socket, gate: Any, request: bytes) -> socket.socket:
    """Connect and send, at whatever pace it is taken."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", gate.port))
    await loop.sock_sendall(sock, request)
    return sock


async def at_rest(floods: list[Flood]) -> None:
    """Wait until nothing more can be sent: the kernel's buffers, of whatever size, are full."""
    before, same = -1, 0
    while same < 5:
        await asyncio.sleep(0.1)
        now = sum(one.sent for one in floods)
        before, same = now, same + 1 if now == before else 0


async def test_a_crowd_that_does_not_read(serve: Any, served: Any, deaf: Deaf, toy: Any, body: Any) -> None:
    """Providers must stop sending, the gateway holds no more than its marks, and whoever does read is served."""
    floods: list[Flood] = []

    def respond(_: Any) -> Flood:
        floods.append(flood(toy))
        return floods[-1]

    async with ScriptedUpstream(respond=respond) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        clients = [await deaf(gate, gate.request("/chat", body("one/m", stream=True))) for _ in range(CROWD)]
        async with asyncio.timeout(60):
            await served.eventually(lambda: len(floods) == CROWD and all(one.sent for one in floods))
            await at_rest(floods)
        held = held_by(gate)
        assert max(held) < MARKS
        assert sum(held) > 0
        assert (await gate.post("/chat", body("parrot/small"))).status == 200
        for client in clients:
            client.close()
        await served.eventually(lambda: gate.gateway.active == 0)
        await served.eventually(lambda: all(one.ended for one in floods))


def held_by(gate: Any) -> list[int]:
    """Bytes of each connection that wait in the gateway to be written to its client."""
    return [one.transport.get_write_buffer_size() for one in connections(gate) if one.transport is not None]


def connections(gate: Any) -> list[Any]:
    """The connections of clients that the gateway holds open."""
    lane = gate.server._lane
    return [*lane.lean, *(lane._full.ours if lane._full is not None else [])]


@pytest.mark.parametrize("path", ["/chat", "/say"])
async def test_who_never_reads_is_given_up(serve: Any, served: Any, deaf: Deaf, toy: Any, path: str) -> None:
    """After the limit its stream ends on both sides, counted as a client that left."""
    one = flood(toy)
    async with ScriptedUpstream(one) as upstream:
        slow = SlowLimits(stuck=0.3, tick=0.05)
        gate = await serve(slow=slow, providers={"one": {"type": "toy", "base_url": upstream.url}})
        asked = b'{"model":"one/m","%b":"hi","stream":true}' % (b"say" if path == "/say" else b"text")
        await deaf(gate, gate.request(path, asked))
        await served.eventually(lambda: one.ended)
        await served.eventually(lambda: gate.log.exchanges)
    assert gate.log.outcomes == ["client_left"]


async def test_a_whole_answer_that_is_not_read_is_given_up(serve: Any, served: Any, deaf: Deaf, body: Any) -> None:
    """The rest of an answer that waits for its client does not wait for ever, though its request is over."""
    said = Reply.of({"id": "1", "model": "m", "text": "x" * 8_000_000, "finish": "stop"})
    async with ScriptedUpstream(said, said) as upstream:
        slow = SlowLimits(stuck=0.3, idle=0.3, tick=0.05)
        gate = await serve(slow=slow, providers={"one": {"type": "toy", "base_url": upstream.url}})
        for connection in ("close", "keep-alive"):
            await deaf(gate, gate.request("/chat", body("one/m"), connection=connection))
        await served.eventually(lambda: len(upstream.requests) == 2)
        await served.eventually(lambda: not connections(gate))


async def test_a_client_that_pauses_gets_everything(serve: Any, served: Any, deaf: Deaf, toy: Any, body: Any) -> None:
    """Slow is not gone: a client that reads after a while gets every frame, in order."""
    count = 2000
    frames = [toy.frame(start="1", model="m"), *(toy.frame(text=f"{n}:" + "x" * 1000) for n in range(count))]
    frames += [toy.frame(finish="stop"), toy.END]
    async with ScriptedUpstream(
        Stream([b"".join(frames[at : at + 10]) for at in range(0, len(frames), 10)])
    ) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        client = await deaf(gate, gate.request("/chat", body("one/m", stream=True), connection="close"))
        await asyncio.sleep(0.5)
        reader, writer = await asyncio.open_connection(sock=client)
        async with asyncio.timeout(served.PATIENCE):
            answer = served.parse(await reader.read())
        writer.close()
    texts = [int(one["text"].partition(":")[0]) for one in answer.frames if "text" in one]
    assert texts == list(range(count))
    assert answer.complete
