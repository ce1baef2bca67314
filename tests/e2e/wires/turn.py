"""What a model says in one turn, before any wire format: the tests write it once, each wire speaks it its own way."""

from __future__ import annotations

import re
from typing import Any, Literal

from attrs import frozen

Finish = Literal["stop", "length", "tool_calls", "content_filter"]


@frozen
class Call:
    """A tool call; ``arguments`` is the JSON text the model wrote."""

    id: str
    name: str
    arguments: str


@frozen
class Turn:
    """``thinking`` comes before ``text``, which comes before ``calls``. ``cached`` is part of ``asked``."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thinking: str = ""
    signature: str = ""
    finish: Finish | None = None
    asked: int = 11
    answered: int = 7
    cached: int = 0

    @property
    def ending(self) -> Finish:
        """Why it ends."""
        return self.finish or ("tool_calls" if self.calls else "stop")


def words(text: str) -> list[str]:
    """A text as a model streams it: every piece but the first begins with its space."""
    return re.findall(r"\s*\S+", text)


def halves(text: str) -> list[str]:
    """JSON text in two deltas, cut where it hurts: in the middle."""
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


def wants_stream(body: Any) -> bool:
    """Whether a request asks for a stream."""
    return bool(body.get("stream"))
