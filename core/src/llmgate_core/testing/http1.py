"""HTTP/1.1 from the other side: one request read off a socket, byte for byte as it came."""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from attrs import define, field, frozen

LONGEST_HEAD = 1024 * 1024


class BadRequest(ValueError):
    """What came is not an HTTP/1.1 request; the text says why."""


@frozen
class Head:
    """A request's head. ``raw`` holds the headers in order, as spelled; ``headers`` are lower-case, the last one wins."""

    method: str
    target: str
    raw: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]


@define(eq=False)
class Received:
    """One request as it arrived. ``connection`` counts connections from 0; ``at`` is seconds of ``time.monotonic()``.

    ``left`` gets the time (the same clock) at which the peer closed its side of the connection.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    raw_headers: tuple[tuple[str, str], ...]
    connection: int
    at: float
    left: Future[float] = field(factory=Future, repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return self.target.partition("?")[2]

    @property
    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.body)

    def wait_left(self, within: float = 10.0) -> float:
        """When the peer closed, waiting for it at most ``within`` seconds (TimeoutError). Blocks: not for the loop."""
        return self.left.result(within)


async def read_head(reader: StreamReader) -> Head | None:
    """The next request's head; None when the peer closed instead. Raises :class:`BadRequest`, ConnectionAbortedError."""
    try:
        data = await reader.readuntil(b"\r\n\r\n")
    except IncompleteReadError as error:
        if error.partial:
            raise ConnectionAbortedError(f"the connection ended inside a head: {error.partial[:80]!r}") from None
        return None
    except LimitOverrunError:
        raise BadRequest(f"a head of more than {LONGEST_HEAD} bytes") from None
    first, *lines = data[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in {"HTTP/1.1", "HTTP/1.0"}:
        raise BadRequest(f"not a request line: {first[:80]!r}")
    raw = tuple((name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines))
    return Head(words[0], words[1], raw, {name.lower(): value for name, value in raw})


async def read_body(reader: StreamReader, headers: Mapping[str, str]) -> bytes:
    """The body that the headers announce. Raises :class:`BadRequest`; ConnectionAbortedError when it is not all there."""
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await _read_chunks(reader)
        return await reader.readexactly(int(headers.get("content-length", "0")))
    except IncompleteReadError as error:
        raise ConnectionAbortedError(f"the connection ended inside a body, after {len(error.partial)} bytes") from None
    except ValueError as error:
        raise BadRequest(f"a body of no readable length: {error}") from None


async def _read_chunks(reader: StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        continue  # a trailer: read, and of no interest
    return b"".join(parts)
