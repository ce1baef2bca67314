"""The usual request: a few values noted when it ends, its line made later, in a row with others.

Made one by one between everything else that a request needs, a line costs three times as much as in a row: the
processor finds neither the code nor the tables for it in its cache.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from math import floor
from typing import Final

import msgspec

from llmgate_core import Attempt, Caller, Dialect, Usage

from .clock import MILLISECONDS
from .line import LineMaker, is_plain
from .quick import line_in_c
from .shapes import Line, Times, Tokens, Try

Note = tuple[
    Attempt,  # the only one, and without an error
    Dialect,
    str,  # operation
    int,  # status
    str,  # outcome
    str,  # model, not long
    bool,  # stream
    str | None,  # finish reason
    str,  # id
    float,  # started, received, ended, first content, waited
    float,
    float | None,
    float | None,
    float,
    str,  # peer
    Caller | None,
    Usage | None,
    int,  # bytes sent
]
"""What a line is made of. Nothing in it holds the request or the answer, so that what waits stays small."""

AT_ONCE: Final = 64
"""Lines that are made in a row: fewer would be dearer, more would hold up the next request longer than 0.1 ms."""

logger: Final = logging.getLogger(__name__)


class NoteReader:
    """Makes lines of notes, byte for byte what ``maker`` makes of their exchanges. ``failed`` counts those it could not."""

    def __init__(self, maker: LineMaker) -> None:
        self._maker = maker
        self._encode = msgspec.json.Encoder().encode_lines
        self._in_c = line_in_c(maker.names)
        self.failed = 0

    def lines(self, notes: Sequence[Note]) -> bytes:
        """The lines with their ends."""
        if self._in_c is None:
            return self._together(notes)
        return b"".join([self._in_c(note) or self._line(note) for note in notes])

    def _together(self, notes: Sequence[Note]) -> bytes:
        """The same without the C."""
        try:
            told = self._tell(notes)
            lines = self._encode(told)
        except Exception:  # noqa: BLE001  # whatever it was (a lone surrogate, say), each line by itself tells it
            return b"".join(map(self._line, notes))
        return lines if is_plain(lines) else b"".join(map(self._maker.text, told))

    def _line(self, note: Note) -> bytes:
        """One line by itself: where a plugin put a value that no line can hold, the other requests keep theirs."""
        try:
            return self._maker.text(*self._tell((note,)))
        except Exception:
            self.failed += 1
            logger.exception("a request's line could not be made")
            return b""

    def _tell(self, notes: Iterable[Note]) -> list[Line]:
        """Flat, because it is run for every request; :class:`LineMaker` does the same in small pieces."""
        known, name, clock = self._maker.names.get, self._maker.name, self._maker.clock
        told = []
        for (
            attempt, dialect, operation, status, outcome, model, stream, finish_reason, id_,
            started, received, ended, first, waited, peer, caller, usage, sent,
        ) in notes:  # fmt: skip
            second = floor(started)
            time = (clock.seconds.get(second) or clock.second(second)) + MILLISECONDS[floor((started - second) * 1000)]
            content = None if first is None else floor((first - received) * 1e6 + 0.5) / 1000
            if ended is None:
                ms = Times(None, content)
            else:
                total = ended - received
                own = floor((total - waited) * 1e6 + 0.5) / 1000 if total > waited else 0.0
                ms = Times(floor(total * 1e6 + 0.5) / 1000, content, floor(waited * 1e6 + 0.5) / 1000, own)
            counts = None
            if usage is not None:
                read, written = usage.cache_read_tokens, usage.cache_write_tokens
                counts = Tokens(usage.input_tokens, usage.output_tokens, read, written, usage.reasoning_tokens)
            target, key, result, took = attempt.target, attempt.key, attempt.result, attempt.ended_at
            provider, shown = target.provider, known(target.model) or name(target.model) or ""
            key_name = None if key is None else key.name
            end = None if result is None else result._value_  # what .value looks up, several times slower
            if took is not None:
                took = floor((took - attempt.started_at) * 1e6 + 0.5) / 1000
            line = Line(
                time, id_, status, outcome, dialect.name, operation, ms, known(model) or name(model), stream or None,
                None if caller is None else caller.name, peer or None, provider, shown, key_name, finish_reason, None,
                counts, sent, (Try(provider, shown, key_name, attempt.status, end, None, took),),
            )  # fmt: skip
            told.append(line)
        return told
