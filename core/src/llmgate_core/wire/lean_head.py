"""Reading a request's head, strictly: what does not fit exactly is not for the lean lane.

This reader accepts less than llhttp does, never more: one method, HTTP/1.1, printable ASCII, each header once, one decimal
content-length, nothing that changes how the body is framed. All else is handed to the full lane, bytes and all.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

LONGEST_HEAD: Final = 16 * 1024
_REQUEST_LINE: Final = re.compile(
    r"POST (/[A-Za-z0-9._~!$&'()*+,;=:@/-]{0,1000})(?:\?([A-Za-z0-9._~!$&'()*+,;=:@/?%-]{0,4000}))? HTTP/1\.1\r\n"
)
_HEADER: Final = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?[ \t]*\r\n"
)
_LENGTH: Final = re.compile(r"[0-9]{1,8}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9._\[\]:-]{1,255}", re.ASCII)
_UNUSUAL: Final = frozenset(
    {"transfer-encoding", "expect", "upgrade", "content-encoding", "trailer", "te", "proxy-connection"}
)
_MOST_HEADERS: Final = 100


class LeanHead(msgspec.Struct):
    """A head that the lane can serve. ``length`` is the body's, in bytes; ``close``: the client wants no more after it."""

    path: str
    query: str
    headers: dict[str, str]
    length: int
    close: bool


def read_head(data: bytes) -> LeanHead | None:
    """The head in ``data`` (which ends with its last header's CRLF), or None when it is not for this lane."""
    if not data.isascii():
        return None
    text = data.decode("ascii")
    line = _REQUEST_LINE.match(text)
    if line is None:
        return None
    pieces = _HEADER.split(text[line.end() :])
    if any(pieces[::3]) or len(pieces) > 3 * _MOST_HEADERS:
        return None
    names = [name.lower() for name in pieces[1::3]]
    headers = dict(zip(names, [value or "" for value in pieces[2::3]], strict=True))
    if len(headers) != len(names) or not _UNUSUAL.isdisjoint(headers):
        return None
    length = headers.get("content-length", "")
    connection = headers.get("connection", "keep-alive").lower()
    if not _LENGTH.fullmatch(length) or not _HOST.fullmatch(headers.get("host", "")):
        return None
    if connection not in {"keep-alive", "close"}:
        return None
    # The length is said once, in its own field: a head that is remembered serves bodies of other lengths.
    del headers["content-length"]
    return LeanHead(line[1], line[2] or "", headers, int(length), connection == "close")
