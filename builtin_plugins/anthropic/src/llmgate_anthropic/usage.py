"""Token counts, between the wire's meaning (input without the cache) and ours (input with it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmgate_core.decisions import EMPTY
from llmgate_core.usage import Usage

_MOST: Final = 10**12
_COUNTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_READ: Final = frozenset({*_COUNTS, "cache_creation", "output_tokens_details"})
_OWN_EXTRAS: Final = ("server_tool_use", "service_tier", "inference_geo", "speed", "fallback_credit", "iterations")


def read_usage(data: Any) -> Usage | None:
    """The wire's ``usage`` → canonical; None when there is none. A count that is no count is not known.

    With ``iterations`` (compaction: its tokens are billed, but not in the top-level fields) the sums count, and the
    top-level fields stay in ``extra``.
    """
    if not isinstance(data, Mapping):
        return None
    extra = {name: value for name, value in data.items() if name not in _READ and value is not None}
    told = extra.get("iterations")
    iterations = [item for item in told if isinstance(item, Mapping)] if isinstance(told, list) else ()
    given, read, written, said = [_count(data.get(name)) for name in _COUNTS]
    if iterations:
        extra.update({name: count for name in _COUNTS if (count := _count(data.get(name))) is not None})
        given, read, written, said = [_sum([_count(item.get(name)) for item in iterations]) for name in _COUNTS]
    short = long = thinking = None
    if isinstance(split := data.get("cache_creation"), Mapping):
        short = _count(split.get("ephemeral_5m_input_tokens"))
        long = _count(split.get("ephemeral_1h_input_tokens"))
    if isinstance(details := data.get("output_tokens_details"), Mapping):
        thinking = _count(details.get("thinking_tokens"))
    total = None if given is None else given + (read or 0) + (written or 0)
    return Usage(total, said, read, written, short, long, thinking, extra=extra or EMPTY)


def write_usage(usage: Usage | None, *, own: bool = False) -> dict[str, Any]:
    """Canonical → the wire's ``usage``, every count a number. ``own``: ``extra`` has this dialect's names."""
    usage = usage or Usage()
    read, write = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    data: dict[str, Any] = {
        "input_tokens": max(0, (usage.input_tokens or 0) - read - write),
        "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens or 0,
    }
    if usage.cache_write_5m_tokens is not None or usage.cache_write_1h_tokens is not None:
        data["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens or 0,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens or 0,
        }
    if usage.reasoning_tokens is not None:
        data["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.estimated:
        data["estimated"] = True
    extra = usage.extra
    if extra:
        names = extra if own or "iterations" in extra else _OWN_EXTRAS
        data.update({name: extra[name] for name in names if name in extra})
    return data


def merge_usage(known: dict[str, Any], news: Any) -> None:
    """Take cumulative ``news`` of a stream into ``known``: what is later wins, but never null or zero over a count."""
    if not isinstance(news, Mapping):
        return
    for name, value in news.items():
        if isinstance(value, Mapping) and isinstance(known.get(name), dict):
            merge_usage(known[name], value)
        elif value is None or (value == 0 and known.get(name)):
            continue
        else:
            known[name] = dict(value) if isinstance(value, Mapping) else value


def _count(value: Any) -> int | None:
    if type(value) is int and 0 <= value <= _MOST:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return min(max(value, 0), _MOST)


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
