"""A thousand clients that read far slower than their providers send: the process holds its marks for each, and no more."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from llmgate_core.testing.answers import Line, head
from tests.e2e.wires import openai
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from llmgate_core.testing import Received, ScriptedUpstream
    from tests.e2e.ask import Sdk
    from tests.e2e.process import GatewayProcess

CROWD = 1000
AT_ONCE = 50
"""Clients that begin together: the queue of a scripted upstream's listener is 100 long."""
FILES = 2 * CROWD + 500
"""The gateway's sockets, or those of the clients and the provider, which are here; and whatever else is open."""
PATIENCE = 60.0
SIP, SIPPED = 8 * 1024, 128 * 1024
"""Bytes that a client reads at a time, and in all."""

KB = 1024
HELD = {True: 512 * KB, False: 1280 * KB}
"""Bytes of one stream, in the mean of the crowd, that the process may have taken and not given on, by ``lean``: a fifth more than
is measured. They are the marks (64 KB) towards the provider and the client and the reads (up to 256 KB) that passed them;
aiohttp's client pauses at twice its mark, and keeps what it has read by then and not parsed."""
GROWN = {True: 640 * KB, False: 2048 * KB}
"""By how much its memory may have grown for that: a fifth more than is measured. It is for one copy; aiohttp frames another."""


@pytest.fixture(scope="module")
def many_files() -> Iterator[None]:
    """Files enough for the crowd, here and in the gateway, which inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"needs {FILES} open files; the hard limit here is {hard} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def more_config(many_files: None) -> str:
    """Nothing more, but after the limit was raised."""
    return ""


def frame(words: str) -> bytes:
    """A frame with some text."""
    delta = [{"index": 0, "delta": {"content": words}, "logprobs": None, "finish_reason": None}]
    return openai.frame(openai.chunk("gpt-4o", delta))


FRAMES = frame("word " * 360) * 32
PIECE = b"%x\r\n%b\r\n" % (len(FRAMES), FRAMES)


@define
class Flood:
    """A stream without end, as fast as it is taken; ``waits`` to send more."""

    waits: bool = False
    ended: bool = False
    _written: int = 0
    _writer: asyncio.StreamWriter | None = None

    async def play(self, line: Line) -> bool:
        """Until the peer leaves."""
        self._writer = writer = line._socket  # type: ignore[attr-defined]  # its buffers are looked at, and kept small
        writer.transport.set_write_buffer_limits(0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * KB)
        await line.send(head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        try:
            while True:
                self._written += len(PIECE)
                self.waits = True
                await line.send(PIECE)
                self.waits = False
                await asyncio.sleep(0)
        finally:
            self.ended = True

    @property
    def sent(self) -> int:
        """Bytes that the kernel has taken."""
        return self._written - (self._writer.transport.get_write_buffer_size() if self._writer else 0)


@define
class Crowd:
    """The readers of one gateway and their streams. ``got`` is what each has read; ``before`` the process's memory alone."""

    gateway: GatewayProcess
    upstream: ScriptedUpstream
    lean: bool
    before: int
    floods: list[Flood] = field(factory=list)
    readers: list[socket.socket] = field(factory=list)
    got: list[int] = field(factory=list)

    @property
    def port(self) -> int:
        """The gateway's."""
        return int(self.gateway.url.rpartition(":")[2])

    @property
    def sent(self) -> int:
        """By all providers."""
        return sum(flood.sent for flood in self.floods)

    def respond(self, _: Received) -> Flood:
        """A stream for the next reader."""
        self.floods.append(Flood())
        return self.floods[-1]

    def gather(self) -> None:
        """A thousand readers ask for a stream each."""
        asked: dict[str, Any] = {"model": "openai/gpt-4o", "stream": True}
        body = json.dumps(asked | {"messages": [{"role": "user", "content": "Go on."}]}).encode()
        lines = ["POST /v1/chat/completions HTTP/1.1", "host: gateway", "content-type: application/json"]
        request = ("\r\n".join([*lines, f"content-length: {len(body)}"]) + "\r\n\r\n").encode() + body
        for number in range(1, CROWD + 1):
            sock = socket.socket()
            self.readers.append(sock)
            self.got.append(0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KB)
            # With loopback's segments of 64 KB the gateway's kernel would queue megabytes for each: these are as if from afar.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            sock.connect(("127.0.0.1", self.port))
            sock.sendall(request)
            sock.setblocking(False)
            if number % AT_ONCE == 0:
                self.upstream.wait_for(number, PATIENCE)
                self.check()

    def sip(self, readers: range, until: int) -> None:
        """These read, a little each time, until each has got so much in all."""
        give_up = time.monotonic() + PATIENCE
        while thirsty := [number for number in readers if self.got[number] < until]:
            assert time.monotonic() < give_up, f"{len(thirsty)} streams stand still"
            for number in thirsty:
                try:
                    self.got[number] += len(self.readers[number].recv(SIP))
                except BlockingIOError:
                    continue
            self.check()

    def check(self) -> None:
        """The process has not grown by more than it may for each reader."""
        grown = resident(self.gateway) - self.before
        assert grown < CROWD * GROWN[self.lean], f"{grown // CROWD // KB} KB for each reader"

    def rest(self) -> None:
        """Wait until every provider waits and nothing moves any more; what the gateway has then, of all they sent, is bounded."""
        before, same = -1, 0
        give_up = time.monotonic() + PATIENCE
        while same < 5:
            assert time.monotonic() < give_up, "the providers are never at rest"
            time.sleep(0.1)
            self.check()
            now, waiting = self.sent, all(flood.sent and flood.waits for flood in self.floods)
            before, same = now, same + 1 if now == before and waiting else 0
        held = before - sum(self.got) - in_kernel({self.port, self.upstream.port})
        assert held < CROWD * HELD[self.lean], f"{held // CROWD // KB} KB held for each reader"

    def leave(self) -> None:
        """All at once."""
        for sock in self.readers:
            sock.close()


def resident(gateway: GatewayProcess) -> int:
    """Bytes of memory that the process has."""
    return int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def in_kernel(ports: set[int]) -> int:
    """Bytes in the queues of all connections from or to these ports: sent and not received yet."""
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, ours, theirs, _, queues, *_ = line.split()
        if {int(ours[-4:], 16), int(theirs[-4:], 16)} & ports:
            total += sum(int(queue, 16) for queue in queues.split(":"))
    return total


@pytest.fixture
def crowd(gateway: GatewayProcess, openai_upstream: ScriptedUpstream, lean: bool) -> Iterator[Crowd]:
    """Nobody yet; all are gone afterwards."""
    found = Crowd(gateway, openai_upstream, lean, resident(gateway))
    openai_upstream.play(respond=found.respond)
    yield found
    found.leave()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="memory and sockets' queues are read from Linux's /proc")
def test_a_thousand_slow_readers(
    crowd: Crowd, openai_sdk: Sdk, anthropic_upstream: ScriptedUpstream, anthropic_wire: Any
) -> None:
    """Their providers are paused and go on only as they read; whoever is quick is served; when they leave, all ends."""
    crowd.gather()
    crowd.rest()
    crowd.sip(range(CROWD), SIPPED)
    crowd.sip(range(9), max(flood.sent for flood in crowd.floods) + SIP)  # more than was sent: it goes on
    crowd.rest()
    anthropic_upstream.play(respond=anthropic_wire.says(Turn("At once.")))
    assert openai_sdk.talk("anthropic/claude-sonnet-4-5").say("Now?").ask(streamed=True).text == "At once."
    crowd.leave()
    give_up = time.monotonic() + PATIENCE
    while not all(flood.ended for flood in crowd.floods):
        assert time.monotonic() < give_up, "streams go on without their readers"
        time.sleep(0.02)
