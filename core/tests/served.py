"""A served gateway as a test sees it: what it answered, what its observers saw, and raw sockets to it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from attrs import define, field, frozen

from llmgate_core import Exchange, Plugin
from llmgate_core.config import make_config
from llmgate_core.exchange import Attempt
from llmgate_core.gateway import Gateway
from llmgate_core.plugins import Found
from llmgate_core.startup import build_gateway
from llmgate_core.wire.server import Server
from llmgate_core.wire.slow import SlowLimits

PATIENCE = 10.0


@frozen
class Answer:
    """One HTTP response. ``headers`` are lower-case; ``body`` is de-chunked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """What a toy error answer tells."""
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def frames(self) -> list[Any]:
        """A stream's events: JSON values, ``[END]`` and comments as text."""
        frames = []
        for part in self.body.decode().split("\n\n")[:-1]:
            data = part.removeprefix("data: ")
            frames.append(json.loads(data) if data.startswith("{") else data)
        return frames


@define
class Log:
    """What the observing hooks of all plugins saw."""

    attempts: list[Attempt] = field(factory=list)
    exchanges: list[Exchange] = field(factory=list)

    @property
    def outcomes(self) -> list[str]:
        """How requests ended."""
        return [exchange.outcome for exchange in self.exchanges]

    @property
    def results(self) -> list[str | None]:
        """The classes of attempts."""
        return [attempt.result and attempt.result.value for attempt in self.attempts]


class Served:
    """A gateway on a port."""

    def __init__(
        self,
        toy: ModuleType,
        plugins: Sequence[Any],
        providers: Any,
        gateway: Any,
        *,
        lean: bool,
        slow: SlowLimits | None = None,
    ) -> None:
        self.log = log = Log()
        self.is_lean = lean

        class Recorder(Plugin):
            def llmgate_attempt_done(self, attempt: Attempt) -> None:
                log.attempts.append(attempt)

            def llmgate_post_response(self, exchange: Exchange) -> None:
                log.exchanges.append(exchange)

        self._found = [Found.of(toy.ToyPlugin, "toy"), Found.of(toy.Planner, "planner"), Found.of(Recorder, "recorder")]
        self._found += [Found.of(plugin, "abcdefgh"[number]) for number, plugin in enumerate(plugins)]
        self._config = {"gateway": gateway, "providers": providers}
        self.gateway = self.build()
        self.server = Server(self.gateway, lean=lean, slow=slow)
        self.port = 0
        self._stopped = False
        self._talks: list[Talk] = []

    def build(self) -> Gateway:
        """One more gateway of the same configuration."""
        return build_gateway(make_config(self._config), found=self._found, environ={})

    async def start(self) -> None:
        """Listen."""
        sock = socket.create_server(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        try:
            await self.server.start(sock)
        except BaseException:
            sock.close()
            raise

    async def stop(self, grace: float = 5.0) -> None:
        """End; a second time nothing happens."""
        if not self._stopped:
            self._stopped = True
            try:
                await self.server.stop(grace)
            finally:
                for talk in self._talks:
                    talk.leave()

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """POST JSON on a connection of its own, and read the whole answer."""
        head = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        return await self.speak(request_head("POST", path, head) + body)

    async def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        """GET."""
        return await self.speak(request_head(method, path, headers or {}))

    async def speak(self, data: bytes) -> Answer:
        """Send raw bytes and read until the connection ends."""
        return parse(await self.raw(data))

    async def raw(self, data: bytes, *, half_close: bool = False) -> bytes:
        """Send raw bytes; everything that comes back until the connection ends."""
        async with asyncio.timeout(PATIENCE):
            talk = await self.talk(data)
            if half_close:
                talk.writer.write_eof()
            try:
                return await talk.rest()
            finally:
                talk.leave()

    async def talk(self, data: bytes = b"") -> Talk:
        """An open connection, after ``data`` was sent on it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**16)
        writer.write(data)
        self._talks.append(Talk(reader, writer))
        return self._talks[-1]

    def request(self, path: str, body: bytes, **headers: str) -> bytes:
        """The raw bytes of a POST that leaves the connection open."""
        head = {"content-type": "application/json", "content-length": str(len(body)), "connection": "keep-alive"}
        return request_head("POST", path, {**head, **headers}) + body


class Talk:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.seen = b""

    async def until(self, mark: bytes) -> bytes:
        """Everything so far, as soon as ``mark`` is in it."""
        async with asyncio.timeout(PATIENCE):
            while mark not in self.seen:
                piece = await self.reader.read(65536)
                assert piece, f"the connection ended before {mark!r}: {self.seen!r}"
                self.seen += piece
        return self.seen

    async def rest(self) -> bytes:
        """Everything until the connection ends, however it ends."""
        try:
            while piece := await self.reader.read(65536):
                self.seen += piece
        except ConnectionError:
            pass  # a reset after the answer is an end, too
        return self.seen

    def leave(self, *, reset: bool = False) -> None:
        """Close at once: with a FIN, or with a reset."""
        if reset:
            sock = self.writer.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def request_head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """A request's head."""
    lines = {"host": "gateway", "connection": "close", **headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode()


def parse(data: bytes) -> Answer:
    """Raw bytes → the response in them; ``complete`` is False when a chunked body lacks its end."""
    assert data, "the connection was closed without an answer"
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") != "chunked":
        return Answer(int(first.split()[1]), headers, body, len(body) == int(headers.get("content-length", len(body))))
    pieces, size = [], -1
    while body and size:
        line, _, body = body.partition(b"\r\n")
        size = int(line, 16)
        pieces.append(body[:size])
        body = body[size + 2 :]
    return Answer(int(first.split()[1]), headers, b"".join(pieces), size == 0)


async def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until something is true, and give it."""
    async with asyncio.timeout(PATIENCE):
        while not (found := condition()):  # noqa: ASYNC110  # what it waits for is often in another thread
            await asyncio.sleep(0.005)
    return found
