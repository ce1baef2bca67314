"""What a scripted upstream may answer: whole replies, streams, and every way to fail.

Each value knows how to play itself on a :class:`Line`; write your own class with a ``play`` method for what is missing.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any, Literal, Protocol

from attrs import frozen

from llmgate_core.decisions import EMPTY

Ending = Literal["end", "close", "reset", "stall"]


class Line(Protocol):
    """The connection to the peer, as an answer sees it."""

    async def send(self, data: bytes) -> None:
        """Write; waits while the peer does not read. Raises ConnectionError when the peer is gone."""

    async def peer_left(self) -> None:
        """Wait until the peer closes its side."""

    def reset(self) -> None:
        """End the connection with a TCP reset."""


class Answer(Protocol):
    """One thing to do with one request."""

    async def play(self, line: Line) -> bool:
        """Send it. Returns whether the connection may carry another request."""


class Gate:
    """A place in a stream where it waits until the test says ``open()``: order without sleeping."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Let the stream go on. May be called from any thread, more than once."""
        with self._lock:
            if not self._opened.done():
                self._opened.set_result(None)

    async def passed(self) -> None:
        """Wait for :meth:`open`."""
        await asyncio.shield(asyncio.wrap_future(self._opened))


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """A response head. An unknown status (529, say) gets a reason of its own."""
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Status"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@frozen
class Reply:
    """A whole answer. With ``close`` the connection ends after it, though nothing in it said so."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = EMPTY
    close: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] = EMPTY) -> Reply:
        """A reply whose body is ``value`` as JSON."""
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), headers)

    async def play(self, line: Line) -> bool:
        """Head and body in one write."""
        length = str(len(self.body))
        headers = {"content-type": "application/json", "content-length": length, **self.headers}
        await line.send(head(self.status, headers) + self.body)
        return not self.close


@frozen
class Stream:
    """A body in pieces: bytes are one write each, a number is a pause in seconds, a :class:`Gate` waits for the test.

    ``pause`` stands between all pieces. ``chunked`` False leaves the end to the closing of the connection. ``ending`` is how
    it stops: properly, by closing (a chunked body then lacks its last chunk), by a TCP reset, or not at all.
    """

    chunks: Sequence[bytes | float | Gate]
    pause: float = 0.0
    chunked: bool = True
    ending: Ending = "end"
    status: int = 200
    headers: Mapping[str, str] = EMPTY

    async def play(self, line: Line) -> bool:
        """Piece by piece."""
        framing = {"transfer-encoding": "chunked"} if self.chunked else {"connection": "close"}
        await line.send(head(self.status, {"content-type": "text/event-stream", **framing, **self.headers}))
        for number, chunk in enumerate(self.chunks):
            if number and self.pause:
                await asyncio.sleep(self.pause)
            if isinstance(chunk, Gate):
                await chunk.passed()
            elif isinstance(chunk, bytes):
                await line.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self.chunked else chunk)
            else:
                await asyncio.sleep(chunk)
        if self.ending == "end":
            await line.send(b"0\r\n\r\n" if self.chunked else b"")
            return self.chunked
        if self.ending == "stall":
            await line.peer_left()
        elif self.ending == "reset":
            line.reset()
        return False


@frozen
class Raw:
    """Bytes as they are, head included; then the connection is closed, or (``close`` False) kept for the next request."""

    data: bytes
    close: bool = True

    async def play(self, line: Line) -> bool:
        """One write."""
        await line.send(self.data)
        return not self.close


@frozen
class Truncated:
    """Announces the whole ``body`` in content-length, sends its first ``sent`` bytes, and closes."""

    body: bytes
    sent: int
    status: int = 200
    headers: Mapping[str, str] = EMPTY

    async def play(self, line: Line) -> bool:
        """Less than was promised."""
        headers = {"content-type": "application/json", "content-length": str(len(self.body)), **self.headers}
        await line.send(head(self.status, headers) + self.body[: self.sent])
        return False


@frozen
class Reset:
    """A TCP reset, after the bytes in ``after`` (none: before the status line)."""

    after: bytes = b""

    async def play(self, line: Line) -> bool:
        """Reset."""
        if self.after:
            await line.send(self.after)
        line.reset()
        return False


@frozen
class Stall:
    """Sends ``after`` and then nothing, until the peer gives up."""

    after: bytes = b""

    async def play(self, line: Line) -> bool:
        """Silence."""
        if self.after:
            await line.send(self.after)
        await line.peer_left()
        return False


@frozen
class CloseWithoutReply:
    """Reads the request and closes: an empty reply."""

    async def play(self, line: Line) -> bool:
        """Nothing at all."""
        return False
