"""One request as one line of JSON."""

from __future__ import annotations

import json
from typing import Final

import msgspec

from llmgate_core import Attempt, Exchange, Usage

from .clock import Clock, milliseconds
from .content import messages_of
from .redaction import Redaction
from .shapes import Line, Times, Tokens, Try

LONGEST_NAME: Final = 200
_MOST_NAMES: Final = 1024


class LineMaker:
    """Makes the line of any request. With ``content`` set it holds the request's messages, each cut to that many characters.

    The usual request's line is made by :mod:`.notes`, together with others and at a fraction of the price.
    """

    def __init__(self, redaction: Redaction, content: int | None = None) -> None:
        self._redaction = redaction
        self._content = content
        self._encode = msgspec.json.Encoder().encode
        self.names: dict[str, str] = {}
        """What :meth:`name` remembers."""
        self.clock = Clock()

    def line(self, exchange: Exchange) -> bytes:
        """The whole line with its end."""
        return self.text(self._tell(exchange))

    def text(self, told: Line) -> bytes:
        """Pure ASCII: no terminal and no reader of lines takes a part of it for something else."""
        try:
            line = self._encode(told)
        except UnicodeEncodeError:  # a lone surrogate: bytes of a header or a path that were no UTF-8
            line = b"\xff"
        if not is_plain(line):
            line = json.dumps(msgspec.to_builtins(told), separators=(",", ":")).replace("\x7f", "\\u007f").encode()
        return line + b"\n"

    def name(self, name: str) -> str | None:
        """A name that a client or a provider gave, fit to be shown. Short ones are remembered, up to a number of them."""
        known = self.names.get(name)
        if known is None:
            known = self._redaction.clean(name, LONGEST_NAME)
            if len(name) <= LONGEST_NAME:
                if len(self.names) >= _MOST_NAMES:
                    self.names.clear()
                self.names[name] = known
        return known or None

    def _tell(self, exchange: Exchange) -> Line:
        caller, error = exchange.caller, exchange.error
        line = Line(
            self.clock.text(exchange.started),
            exchange.id,
            exchange.status,
            exchange.outcome,
            exchange.dialect.name,
            exchange.operation,
            _times(exchange),
            self.name(exchange.model),
            exchange.stream or None,
            None if caller is None else caller.name,
            exchange.head.peer or None,
        )
        line.finish_reason = exchange.finish_reason
        line.bytes = exchange.bytes_sent
        if error is not None and error.code is not None:
            line.error = self.name(error.code)
        if exchange.usage is not None:
            line.usage = tokens(exchange.usage)
        if exchange.attempts:
            line.attempts = attempts = tuple(map(self._try, exchange.attempts))
            last = attempts[-1]
            line.provider, line.target, line.key = last.provider, last.model, last.key
        if self._content is not None:
            line.messages = messages_of(exchange, self._redaction, self._content)
        return line

    def _try(self, attempt: Attempt) -> Try:
        target, key, result, error = attempt.target, attempt.key, attempt.result, attempt.error
        return Try(
            target.provider,
            self.name(target.model) or "",
            None if key is None else key.name,
            attempt.status,
            None if result is None else result.value,
            None if error is None or error.code is None else self.name(error.code),
            None if attempt.ended_at is None else milliseconds(attempt.ended_at - attempt.started_at),
        )


def is_plain(lines: bytes) -> bool:
    """Whether there is nothing but ASCII in them, and no delete character (JSON has escaped the other control characters)."""
    return lines.isascii() and b"\x7f" not in lines


def tokens(usage: Usage) -> Tokens:
    """The counts that a line tells."""
    return Tokens(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def _times(exchange: Exchange) -> Times:
    began, ended, first, waited = exchange.received_at, exchange.ended_at, exchange.first_content_at, exchange.waited
    told = None if first is None else milliseconds(first - began)
    if ended is None:
        return Times(None, told)
    total = ended - began
    return Times(milliseconds(total), told, milliseconds(waited), milliseconds(max(0.0, total - waited)))
