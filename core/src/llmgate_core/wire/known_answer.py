"""Answers whose head a provider repeats: read by one regular expression that was learned from the first of them.

A provider sends the same header names in the same order, request after request, and most answers of self-hosted servers say
their length. llhttp has read the first such head and stays the judge: the expression is learned from bytes that it accepted,
must give the same values, and matches nothing but the same lines with other values. Whatever does not match goes to llhttp.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from ..headers import Shape, WireHeaders
from ..native import native

_STATUS: Final = b"HTTP/1.1 200 "
_VALUE: Final = rb"([\t\x20-\x7e\x80-\xff]*)"
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNUSUAL: Final = frozenset({b"transfer-encoding", b"content-encoding", b"upgrade", b"trailer"})
_KEPT: Final = b"keep-alive"
_MOST_SHAPES: Final = 512


@frozen(eq=False)
class KnownAnswer:
    """``pattern`` matches a whole head, blank line included; group ``length`` of it is the body's length in bytes.

    ``lines`` say the same without an expression: a name, and None for any value, the only value, or True for the length.
    """

    pattern: re.Pattern[bytes]
    shape: Shape
    length: int
    lines: tuple[tuple[bytes, bytes | bool | None], ...]

    def twin(self) -> Any:
        """What does the same, compiled; None where that is not to be had."""
        return None if native is None else native.AnswerHead(self.shape, self.lines, WireHeaders)


class Shapes:
    """The shapes of one origin's answers, a bounded number of them; ``last`` is how the last usual one is known again."""

    __slots__ = ("_known", "last", "quick")

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], Shape] = {}
        self.last: KnownAnswer | None = None
        self.quick: Any = None

    def of(self, names: tuple[bytes, ...]) -> Shape:
        """The shape of an answer whose headers have these names."""
        shape = self._known.get(names)
        if shape is None:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            shape = self._known[names] = Shape(names)
        return shape

    def learn(self, data: bytes, read: WireHeaders) -> None:
        """An answer began with ``data``, and llhttp has ``read`` its headers: know the next one, if it is usual. Tried once."""
        if not read.shape.looked_at:
            read.shape.looked_at = True
            known = learn(data, read)
            if known is not None:
                self.last, self.quick = known, known.twin()


def learn(data: bytes, read: Mapping[str, str]) -> KnownAnswer | None:
    """From the bytes that an answer began with, and its headers as llhttp ``read`` them. None for what is not usual."""
    head, blank, _ = data.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    if not blank or not status.startswith(_STATUS):
        return None
    names: list[bytes] = []
    told: list[tuple[bytes, bytes | bool | None]] = []
    pieces = [re.escape(_STATUS) + rb"[\t\x20-\x7e]*\r\n"]
    for line in lines:
        name, _, value = line.partition(b":")
        low = name.lower()
        if not _NAME.fullmatch(name) or low in _UNUSUAL:
            return None
        fixed = low == b"connection"
        if fixed and value.strip().lower() != _KEPT:
            return None
        inner = (
            b"(%b)" % re.escape(value.strip()) if fixed else rb"([0-9]{1,9})" if low == b"content-length" else _VALUE
        )
        pieces.append(re.escape(name) + rb":[ \t]*" + inner + rb"\r\n")
        names.append(name)
        told.append((name, value.strip() if fixed else low == b"content-length" or None))
    lengths = [at for at, name in enumerate(names, 1) if name.lower() == b"content-length"]
    pattern = re.compile(b"".join(pieces) + rb"\r\n")
    match = pattern.match(data)
    if match is None or len(lengths) != 1:
        return None
    shape = Shape(names)
    values = [value.decode("latin-1") for value in match.groups()]
    return (
        KnownAnswer(pattern, shape, lengths[0], tuple(told))
        if dict(zip(shape.names, values, strict=True)) == dict(read)
        else None
    )
