"""One request as one line of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from llmgate_core import Attempt, Exchange, Usage

from .content import messages_of
from .redaction import Redaction

LONGEST_NAME: Final = 200


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

    time: datetime
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
        self._clean_once = lru_cache(maxsize=1024)(self._clean_name)

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
        caller, error, name = exchange.caller, exchange.error, self._name
        line = Line(
            time=datetime.fromtimestamp(exchange.started, UTC),
            id=exchange.id,
            status=exchange.status,
            outcome=exchange.outcome,
            dialect=exchange.dialect.name,
            operation=exchange.operation,
            ms=_times(exchange),
            model=name(exchange.model) or None,
            stream=exchange.stream or None,
            caller=None if caller is None else caller.name,
            peer=exchange.head.peer or None,
            finish_reason=exchange.finish_reason,
            error=None if error is None or error.code is None else name(error.code),
            usage=None if exchange.usage is None else _tokens(exchange.usage),
            bytes=exchange.bytes_sent,
        )
        if exchange.attempts:
            last = exchange.attempts[-1]
            line.provider = last.target.provider
            line.target = name(last.target.model)
            line.key = None if last.key is None else last.key.name
            line.attempts = [self._try(attempt) for attempt in exchange.attempts]
        if self._content is not None:
            line.messages = messages_of(exchange, self._redaction, self._content)
        return line

    def _try(self, attempt: Attempt) -> Try:
        error = attempt.error
        return Try(
            provider=attempt.target.provider,
            model=self._name(attempt.target.model),
            key=None if attempt.key is None else attempt.key.name,
            status=attempt.status,
            result=None if attempt.result is None else attempt.result.value,
            error=None if error is None or error.code is None else self._name(error.code),
            ms=None if attempt.ended_at is None else _milliseconds(attempt.ended_at - attempt.started_at),
        )

    def _name(self, name: str) -> str:
        """A name that a client or a provider gave. Only short ones are remembered: nobody fills the memory with long ones."""
        return self._clean_once(name) if len(name) <= LONGEST_NAME else self._clean_name(name)

    def _clean_name(self, name: str) -> str:
        return self._redaction.clean(name, LONGEST_NAME)


def _tokens(usage: Usage) -> Tokens:
    return Tokens(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def _times(exchange: Exchange) -> Times:
    times = Times()
    if exchange.ended_at is not None:
        total = exchange.ended_at - exchange.received_at
        times.total = _milliseconds(total)
        times.waited = _milliseconds(exchange.waited)
        times.overhead = _milliseconds(max(0.0, total - exchange.waited))
    if exchange.first_content_at is not None:
        times.first_content = _milliseconds(exchange.first_content_at - exchange.received_at)
    return times


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
