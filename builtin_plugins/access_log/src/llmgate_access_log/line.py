"""One request as one line of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

import msgspec

from llmgate_core import Attempt, Exchange, Usage

from .content import messages_of
from .redaction import Redaction

LONGEST_NAME: Final = 200
_MOST_NAMES: Final = 1024


class Tokens(msgspec.Struct, omit_defaults=True):
    """What the provider reported. ``input`` includes cached tokens, ``output`` reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class Times(msgspec.Struct, omit_defaults=True):
    """Milliseconds since the request's arrival; ``overhead`` is the total less what was waited for providers."""

    total: float | None = None
    first_content: float | None = None
    waited: float | None = None
    overhead: float | None = None


class Try(msgspec.Struct, omit_defaults=True):
    """One attempt."""

    provider: str
    model: str
    key: str | None = None
    status: int | None = None
    result: str | None = None
    error: str | None = None
    ms: float | None = None


class Line(msgspec.Struct, omit_defaults=True):
    """One request. What is not known is left out. No header, no error text and no path: they may hold secrets."""

    time: str
    id: str
    status: int
    outcome: str
    dialect: str
    operation: str
    ms: Times
    model: str | None = None
    stream: bool | None = None
    caller: str | None = None
    peer: str | None = None
    provider: str | None = None
    target: str | None = None
    key: str | None = None
    finish_reason: str | None = None
    error: str | None = None
    usage: Tokens | None = None
    bytes: int | None = None
    attempts: list[Try] = []  # msgspec copies it for each line
    messages: list[dict[str, str]] | None = None


class LineMaker:
    """Makes lines. With ``content`` set they hold the request's messages, each cut to that many characters."""

    def __init__(self, redaction: Redaction, content: int | None = None) -> None:
        self._redaction = redaction
        self._content = content
        self._encode = msgspec.json.Encoder().encode
        self._names: dict[str, str] = {}
        self._second = (-1, "")

    def line(self, exchange: Exchange) -> bytes:
        """The whole line with its end. Pure ASCII: no terminal and no reader of lines takes a part of it for something else."""
        told = self._tell(exchange)
        try:
            line = self._encode(told)
        except UnicodeEncodeError:  # a lone surrogate: bytes of a header or a path that were no UTF-8
            line = b"\xff"
        if not line.isascii() or b"\x7f" in line:
            line = json.dumps(msgspec.to_builtins(told), separators=(",", ":")).replace("\x7f", "\\u007f").encode()
        return line + b"\n"

    def _tell(self, exchange: Exchange) -> Line:
        caller, error, model = exchange.caller, exchange.error, exchange.model
        line = Line(
            self._time(exchange.started),
            exchange.id,
            exchange.status,
            exchange.outcome,
            exchange.dialect.name,
            exchange.operation,
            _times(exchange),
            self._names.get(model) or self._name(model),
            exchange.stream or None,
            None if caller is None else caller.name,
            exchange.head.peer or None,
        )
        line.finish_reason = exchange.finish_reason
        line.bytes = exchange.bytes_sent
        if error is not None and error.code is not None:
            line.error = self._name(error.code)
        if exchange.usage is not None:
            line.usage = _tokens(exchange.usage)
        if exchange.attempts:
            line.attempts = attempts = [self._try(attempt) for attempt in exchange.attempts]
            last = attempts[-1]
            line.provider, line.target, line.key = last.provider, last.model, last.key
        if self._content is not None:
            line.messages = messages_of(exchange, self._redaction, self._content)
        return line

    def _try(self, attempt: Attempt) -> Try:
        target, key, result, error = attempt.target, attempt.key, attempt.result, attempt.error
        return Try(
            target.provider,
            self._names.get(target.model) or self._name(target.model) or "",
            None if key is None else key.name,
            attempt.status,
            None if result is None else result._value_,  # what .value looks up, several times slower
            None if error is None or error.code is None else self._name(error.code),
            None if attempt.ended_at is None else _milliseconds(attempt.ended_at - attempt.started_at),
        )

    def _name(self, name: str) -> str | None:
        """A name that a client or a provider gave, fit to be shown. Short ones are remembered, up to a number of them."""
        clean = self._redaction.clean(name, LONGEST_NAME)
        if len(name) <= LONGEST_NAME:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[name] = clean
        return clean or None

    def _time(self, started: float) -> str:
        """RFC 3339 in UTC, with milliseconds. The second is formatted once, not for each of its requests."""
        second = int(started)
        if self._second[0] != second:
            self._second = (second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S."))
        return f"{self._second[1]}{int((started - second) * 1000):03d}Z"


def _tokens(usage: Usage) -> Tokens:
    return Tokens(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def _times(exchange: Exchange) -> Times:
    began, ended, first, waited = exchange.received_at, exchange.ended_at, exchange.first_content_at, exchange.waited
    told = None if first is None else _milliseconds(first - began)
    if ended is None:
        return Times(None, told)
    total = ended - began
    return Times(_milliseconds(total), told, _milliseconds(waited), _milliseconds(max(0.0, total - waited)))


def _milliseconds(seconds: float) -> float:
    """Three decimals; ``round`` takes five times as long."""
    return int(seconds * 1e6 + 0.5) / 1000
