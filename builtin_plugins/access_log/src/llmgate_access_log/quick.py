"""The line of a usual request where ``llmgate-native`` is built: put together in C, byte for byte as msgspec would.

For whatever is unusual (a text that needs an escape, a name not met before, a number that is none) there is None, and
:mod:`.notes` makes the line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmgate_core.native import native

_NOTE: Final = (
    "attempt", "dialect", "operation", "status", "outcome", "model", "stream", "finish_reason", "id",
    "started", "received", "ended", "first", "waited", "peer", "caller", "usage", "sent",
)  # fmt: skip
"""What stands where in a :data:`.notes.Note`."""

_SHAPE: Final[tuple[tuple[Any, ...], ...]] = (
    ("time", '"time":', "started"),
    ("text", '"id":', "id"),
    ("number", '"status":', "status"),
    ("text", '"outcome":', "outcome"),
    ("text", '"dialect":', "dialect.name"),
    ("text", '"operation":', "operation"),
    ("open", '"ms":{'),
    ("span", '"total":', "ended", "received"),
    ("span", '"first_content":', "first", "received"),
    ("given", 2, "ended"),
    ("span", '"waited":', "waited"),
    ("span", '"overhead":', "ended", "received", "waited"),
    ("close", "}"),
    ("name or empty", '"model":', "model"),
    ("true or not", '"stream":', "stream"),
    ("text or none", '"caller":', "caller.name"),
    ("text or empty", '"peer":', "peer"),
    ("text", '"provider":', "attempt.target.provider"),
    ("name", '"target":', "attempt.target.model"),
    ("text or none", '"key":', "attempt.key.name"),
    ("text or none", '"finish_reason":', "finish_reason"),
    ("given", 7, "usage"),
    ("open", '"usage":{'),
    ("number or none", '"input":', "usage.input_tokens"),
    ("number or none", '"output":', "usage.output_tokens"),
    ("number or none", '"cache_read":', "usage.cache_read_tokens"),
    ("number or none", '"cache_write":', "usage.cache_write_tokens"),
    ("number or none", '"reasoning":', "usage.reasoning_tokens"),
    ("close", "}"),
    ("number or none", '"bytes":', "sent"),
    ("open", '"attempts":[{'),
    ("text", '"provider":', "attempt.target.provider"),
    ("name", '"model":', "attempt.target.model"),
    ("text or none", '"key":', "attempt.key.name"),
    ("number or none", '"status":', "attempt.status"),
    ("text or none", '"result":', "attempt.result._value_"),
    ("span", '"ms":', "attempt.ended_at", "attempt.started_at"),
    ("close", "}]"),
)
"""The line's words in their order: their kind as the C has it, the text before the value, and where in the note the value is.
``given`` leaves out so many of the next where the value is None."""


def line_in_c(names: dict[str, str]) -> Callable[[tuple[Any, ...]], bytes | None] | None:
    """What makes a note's line, None without the C. ``names`` says how a name is shown that a client or a provider gave."""
    make = getattr(native, "JsonLines", None)  # an older llmgate-native has none
    if make is None:
        return None
    reads: list[tuple[int, str | int]] = []
    known = {"": 0}  # the note itself

    def source(path: str) -> int:
        if path not in known:
            parent, _, name = path.rpartition(".")
            reads.append((source(parent), name if parent else _NOTE.index(name)))
            known[path] = len(reads)
        return known[path]

    puts = [
        (kind, text.encode() if isinstance(text, str) else text, tuple(map(source, paths)))
        for kind, text, *paths in _SHAPE
    ]
    line: Callable[[tuple[Any, ...]], bytes | None] = make(tuple(reads), tuple(puts), names).line
    return line
