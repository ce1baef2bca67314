"""A provider that does as it is told: a real TCP server that records what it was sent and plays a script.

    with ScriptedUpstream(Reply.of({"id": "1"}), Reset()) as upstream:
        ...  # speak to upstream.url
        assert upstream.requests[0].json == {...}

It runs in a thread of its own with a loop of its own, so that a test may block, or be asynchronous, or drive another
process. ``async with`` is the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .answers import Answer, Reply
from .http1 import LONGEST_HEAD, BadRequest, Received, read_body, read_head

Respond = Callable[[Received], Answer]
LINGER_NOT = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close sends a reset


class ScriptedUpstream:
    """``answers`` are played one per request, in order; when they are used up, ``respond`` decides; else it is a 500.

    ``requests`` is everything it was sent. An exception in ``respond`` is answered with a 500 and raised again when the
    context is left. ``tls`` makes it an https server.
    """

    def __init__(
        self,
        *answers: Answer,
        respond: Respond | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.answers: deque[Answer] = deque(answers)
        self.respond = respond
        self.requests: list[Received] = []
        self.connections = 0
        self.host = host
        self.port = 0
        self._tls = tls
        self._arrival = threading.Condition()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._open: set[_Connection] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def play(self, *answers: Answer, respond: Respond | None = None) -> None:
        """Forget what was recorded and what was left of the script; from here on play this one."""
        self.answers.clear()
        self.requests.clear()
        self.answers.extend(answers)
        self.respond = respond

    def wait_for(self, count: int, within: float = 10.0) -> list[Received]:
        """The requests, once there are ``count`` of them; TimeoutError when there never are. Blocks: not for the loop."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= count, within):
                raise TimeoutError(f"{len(self.requests)} requests came within {within} s, not {count}")
        return list(self.requests)

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="scripted-upstream", daemon=True)
        self._thread.start()
        self._started.wait()
        self._raise()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._loop is not None and self._stop is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):  # the loop may have ended by a failure, which is raised below
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        if error is None:
            self._raise()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, at)

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # told to the thread that waits, whatever it is
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), self.host, self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        tasks = [connection.abort() for connection in self._open]
        await asyncio.gather(*[task for task in tasks if task is not None], return_exceptions=True)
        await server.wait_closed()

    def answer_to(self, received: Received) -> Answer:
        """Record a request and look up its answer."""
        with self._arrival:
            self.requests.append(received)
            answer = self.answers.popleft() if self.answers else None
            self._arrival.notify_all()
        if answer is not None:
            return answer
        if self.respond is None:
            return Reply.of({"error": {"message": f"the script has no answer to request {len(self.requests)}"}}, 500)
        try:
            return self.respond(received)
        except Exception as error:  # noqa: BLE001  # raised again where the test leaves the context
            self._failure = error
            return Reply.of({"error": {"message": f"the script failed: {error!r}"}}, 500)


class _Connection(asyncio.StreamReaderProtocol):
    """One accepted connection: reads requests, plays answers, and notes when the peer closes its side."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._reader = asyncio.StreamReader(LONGEST_HEAD)
        super().__init__(self._reader, self._accept)
        self._upstream = upstream
        self._number = upstream.connections
        upstream.connections += 1
        self._requests: list[Received] = []
        self._gone = asyncio.Event()
        self._talking: asyncio.Task[None] | None = None
        self._socket: asyncio.StreamWriter | None = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._socket = writer
        self._upstream._open.add(self)
        self._talking = asyncio.create_task(self._talk(reader, writer))

    # ── what the peer does ───────────────────────────────────────────────────────────────────────────────────────

    def eof_received(self) -> bool:
        """The peer will send no more."""
        self._note()
        return super().eof_received() or False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._note()
        super().connection_lost(exc)

    def _note(self) -> None:
        now = time.monotonic()
        self._gone.set()
        for received in self._requests:
            if not received.left.done():
                received.left.set_result(now)

    # ── what we do ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                continue
        except ConnectionError:
            pass  # the peer left in the middle, which `left` tells
        except BadRequest as error:
            self._upstream._failure = error
        finally:
            self._upstream._open.discard(self)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await read_head(reader)
        if head is None:
            return False
        if head.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await read_body(reader, head.headers)
        received = Received(head.method, head.target, head.headers, body, head.raw, self._number, time.monotonic())
        self._requests.append(received)
        keep = await self._upstream.answer_to(received).play(self)
        return keep and head.headers.get("connection", "").lower() != "close"

    async def send(self, data: bytes) -> None:
        """Write, and wait while the peer does not read."""
        assert self._socket is not None
        if self._gone.is_set() and self._socket.is_closing():
            raise ConnectionResetError("the peer has closed the connection")
        self._socket.write(data)
        await self._socket.drain()

    async def peer_left(self) -> None:
        """Wait until the peer closes its side."""
        await self._gone.wait()

    def reset(self) -> None:
        """Close with a TCP reset."""
        assert self._socket is not None
        sock: socket.socket = self._socket.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._socket.transport.abort()

    def abort(self) -> asyncio.Task[None] | None:
        """End the connection and its task, which is returned to be waited for; None when it has only just been accepted."""
        if self._talking is None or self._socket is None:
            return None
        self._socket.transport.abort()
        self._talking.cancel()
        return self._talking
