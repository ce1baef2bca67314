"""No write waits for an acknowledgement: Nagle's algorithm against delayed ACKs would hold frames back for 40 ms."""

from __future__ import annotations

import asyncio
import itertools
import socket
import statistics
import sys
import time
from typing import Any

import pytest

from llmgate_core.testing import Gate, ScriptedUpstream, Stream

FRAMES = 20


def no_delay(transport: Any) -> int:
    """Whether the socket sends at once."""
    sock: socket.socket = transport.get_extra_info("socket")
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_both_sockets_of_a_stream_send_at_once(serve: Any, toy: Any, body: Any) -> None:
    """TCP_NODELAY is set towards the client and towards the provider."""
    gate_open = Gate()
    stream = Stream(
        [toy.frame(start="1", model="m"), toy.frame(text="first"), gate_open, toy.frame(finish="stop"), toy.END]
    )
    async with ScriptedUpstream(stream) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        talk = await gate.talk(gate.request("/chat", body("one/m", stream=True)))
        await talk.until(b"first")
        lane = gate.server._lane
        clients = [*lane.lean, *(lane._full.ours if lane._full is not None else [])]
        providers = towards(upstream.port)
        assert [no_delay(one.transport) for one in clients] == [1]
        assert providers == [1]
        gate_open.open()
        await talk.until(b"[END]")


def towards(port: int) -> list[int]:
    """TCP_NODELAY of this process's connected sockets to a port on loopback."""
    found = []
    for number in range(3, 1024):
        try:
            sock = socket.socket(fileno=number)
        except OSError:
            continue
        try:
            if sock.family == socket.AF_INET and sock.getpeername()[1] == port:
                found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        except OSError:
            continue
        finally:
            sock.detach()
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_QUICKACK is Linux's")
@pytest.mark.llmgate_unguarded("blocking")
async def test_no_40_ms_step_with_delayed_acks(serve: Any, toy: Any, body: Any) -> None:
    """A client that acknowledges late gets frames 2 ms apart as they come, one by one, in order."""
    frames = [toy.frame(start="1", model="m"), *(toy.frame(text=f"<{n}>") for n in range(FRAMES))]
    frames += [toy.frame(finish="stop"), toy.END]
    async with ScriptedUpstream(Stream(frames, pause=0.002)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        request = gate.request("/chat", body("one/m", stream=True), connection="close")
        data, times = await asyncio.to_thread(read_lazily, gate.port, request)
    places = [data.index(b"<%d>" % n) for n in range(FRAMES)]
    assert places == sorted(places)
    assert b"[END]" in data
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert statistics.median(gaps) < 0.03


def read_lazily(port: int, request: bytes) -> tuple[bytes, list[float]]:
    """Everything the server sends, and when each piece came, to a client that delays its ACKs."""
    data, times = b"", []
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        sock.sendall(request)
        while piece := sock.recv(65536):
            times.append(time.monotonic())
            data += piece
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    return data, times
