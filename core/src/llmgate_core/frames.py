"""Frames of a stream: the piece of bytes between two separators, and what it means to the core."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Protocol

from attrs import frozen

from .upstream_errors import UpstreamBadResponse

LONGEST_FRAME: Final = 4 * 1024 * 1024
_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"


class FrameKind(Enum):
    """What a frame of a relayed stream is to the core."""

    LIFECYCLE = 0
    """Nothing for the reader yet (a start marker, a role): held back, so that an error after it can still fall back."""
    CONTENT = 1
    """The first of these is the commit point."""
    IDLE = 2
    """A ping or comment: relayed after the commit point, no sign of progress before it."""
    ERROR = 3
    """The provider's error inside the stream."""
    DROP = 4
    """Not for this client (usage that only the gateway asked for)."""
    LAST = 5
    """The end marker: relayed; whatever follows is ignored."""


class Framer(Protocol):
    """Incremental splitter. One per stream."""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that ``data`` completes, each whole with its separator. Raises :class:`UpstreamBadResponse`."""

    def rest(self) -> bytes:
        """What is left when the stream ends (an unfinished frame)."""


class SseFramer:
    """Server-sent events (WHATWG HTML, 9.2.6): frames end at a blank line; lines end in LF, CRLF or CR.

    Data that ends no frame is only put aside, so that a long frame in many small pieces costs no more than its length.
    """

    __slots__ = ("_parts", "_size", "_tail")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._tail = b""  # the last bytes put aside: a blank line may begin in them

    def feed(self, data: bytes) -> list[bytes]:
        """Frames completed by ``data``. A CR at its very end waits: a LF may belong to it."""
        if not self._parts and data.endswith(b"\n\n") and b"\r" not in data:
            if data.find(b"\n\n") == len(data) - 2:
                return [data]
            return [part + b"\n\n" for part in data[:-2].split(b"\n\n")]
        self._parts.append(data)
        self._size += len(data)
        frames: list[bytes] = []
        seam = self._tail + data
        self._tail = seam[-3:]
        if _BLANK_LINE.search(seam):
            frames = self._split(b"".join(self._parts))
        if self._size > LONGEST_FRAME:
            raise UpstreamBadResponse(f"the provider sent a stream frame of more than {LONGEST_FRAME} bytes")
        return frames

    def _split(self, data: bytes) -> list[bytes]:
        searched = data[:-1] if data.endswith(b"\r") else data
        frames: list[bytes] = []
        start = 0
        for match in _BLANK_LINE.finditer(searched):
            frames.append(data[start : match.end()])
            start = match.end()
        rest = data[start:]
        self._parts = [rest] if rest else []
        self._tail = rest[-3:]
        self._size = len(rest)
        return frames

    def rest(self) -> bytes:
        """The unfinished frame."""
        return b"".join(self._parts)


@frozen
class SseFrame:
    """One server-sent event: its type (``message`` when not given) and its data lines joined with LF."""

    event: str
    data: bytes


def parse_sse(frame: bytes) -> SseFrame | None:
    """A raw frame → its event; None when it holds only comments. Unknown fields are ignored, as the standard says."""
    if frame.startswith(b"data: ") and frame.endswith(b"\n\n") and frame.count(b"\n") == 2 and b"\r" not in frame:
        return SseFrame("message", frame[6:-2])
    event = ""
    data: list[bytes] = []
    for line in _LINE_END.split(frame.removeprefix(_BOM)):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    if not data:
        return None
    return SseFrame(event or "message", b"\n".join(data))


def write_sse(data: bytes, event: str = "") -> bytes:
    """One server-sent event. ``data`` must be one line (JSON is)."""
    if event:
        return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
