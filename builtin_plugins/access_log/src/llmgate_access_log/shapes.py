"""The shapes that a line of the log is encoded from, in the order of their words."""

from __future__ import annotations

import msgspec

# gc=False: thousands are made in a second, and none of them can be part of a circle.


class Tokens(msgspec.Struct, omit_defaults=True, gc=False):
    """What the provider reported. ``input`` includes cached tokens, ``output`` reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class Times(msgspec.Struct, omit_defaults=True, gc=False):
    """Milliseconds since the request's arrival; ``overhead`` is the total less what was waited for providers."""

    total: float | None = None
    first_content: float | None = None
    waited: float | None = None
    overhead: float | None = None


class Try(msgspec.Struct, omit_defaults=True, gc=False):
    """One attempt."""

    provider: str
    model: str
    key: str | None = None
    status: int | None = None
    result: str | None = None
    error: str | None = None
    ms: float | None = None


class Line(msgspec.Struct, omit_defaults=True, gc=False):
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
    attempts: tuple[Try, ...] = ()
    messages: list[dict[str, str]] | None = None
