"""Token counts, both ways. On this wire the prompt includes what was read from and written to a cache.

A count that cannot be one (negative, a fraction, a string, more than any answer could cost) is as if not given: the gateway
then estimates, and nobody is credited.
"""

from __future__ import annotations

from typing import Any, Final

from llmgate_core.decisions import EMPTY
from llmgate_core.usage import Usage

MOST: Final = 1_000_000_000


def count(value: Any) -> int | None:
    """A plausible number of tokens, else None."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= MOST else None


def read_usage(value: Any) -> Usage | None:
    """The ``usage`` field → canonical; None when it says nothing. What has no canonical word is kept as extra."""
    if type(value) is not dict:
        return None
    if len(value) == 3 and (usual := _three(value)) is not None:
        return usual
    left = given(value)
    prompt, completion, total = (
        _taken(left, "prompt_tokens"),
        _taken(left, "completion_tokens"),
        _taken(left, "total_tokens"),
    )
    inputs, outputs = _details(left, "prompt_tokens_details"), _details(left, "completion_tokens_details")
    reasoning = _taken(outputs, "reasoning_tokens")
    native: dict[str, Any] = {}
    if None not in (prompt, completion, total) and total != (prompt or 0) + (completion or 0):
        native["total_tokens"] = total
        if total == (prompt or 0) + (completion or 0) + (reasoning or 0):
            # some servers count reasoning beside the completion, yet within the total
            native = {"completion_tokens": completion}
            completion = (completion or 0) + (reasoning or 0)
    cached, stored = _within(inputs, "cached_tokens", prompt), _within(inputs, "cache_write_tokens", prompt)
    heard, said = _taken(inputs, "audio_tokens"), _taken(outputs, "audio_tokens")
    estimated = left.pop("estimated", False) is True
    if prompt is completion is cached is stored is reasoning is heard is said is None:
        return None
    if inputs:
        left["prompt_tokens_details"] = inputs
    if outputs:
        left["completion_tokens_details"] = outputs
    left.update(native)
    return Usage(prompt, completion, cached, stored, None, None, reasoning, heard, said, estimated, left or EMPTY)


def later(known: Usage | None, told: Usage | None) -> Usage | None:
    """What holds after a stream told its usage again: the last one, but never a nothing over a something."""
    if told is None or (known is not None and known.total_tokens and not told.total_tokens):
        return known
    return told


def _three(value: dict[str, Any]) -> Usage | None:
    """The usual three counts, which add up."""
    prompt, completion, total = value.get("prompt_tokens"), value.get("completion_tokens"), value.get("total_tokens")
    if not (type(prompt) is type(completion) is type(total) is int and total == prompt + completion):
        return None
    return Usage(prompt, completion) if 0 <= prompt <= MOST and 0 <= completion <= MOST else None


def _taken(fields: dict[str, Any], name: str) -> int | None:
    value = fields.pop(name, None)
    if type(value) is int and 0 <= value <= MOST:
        return value
    return None if value is None else count(value)


def _details(left: dict[str, Any], name: str) -> dict[str, Any]:
    details = left.pop(name, None)
    return given(details) if type(details) is dict else {}


def _within(details: dict[str, Any], name: str, whole: int | None) -> int | None:
    """A part of the prompt: never more than the whole of it."""
    part = _taken(details, name)
    return part if part is None or whole is None else min(part, whole)


def write_usage(usage: Usage, *, own: bool) -> dict[str, Any]:
    """Canonical → the ``usage`` field. ``own``: its extras are this wire's. Estimates are marked with ``estimated``."""
    extra = dict(usage.extra) if own else {}
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    written: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": extra.pop("completion_tokens", completion),
        "total_tokens": extra.pop("total_tokens", prompt + completion),
    }
    inputs: dict[str, Any] = {}
    if usage.cache_read_tokens is not None:
        inputs["cached_tokens"] = usage.cache_read_tokens
    if usage.cache_write_tokens is not None:
        inputs["cache_write_tokens"] = usage.cache_write_tokens
    if usage.audio_input_tokens is not None:
        inputs["audio_tokens"] = usage.audio_input_tokens
    outputs: dict[str, Any] = {}
    if usage.reasoning_tokens is not None:
        outputs["reasoning_tokens"] = usage.reasoning_tokens
    if usage.audio_output_tokens is not None:
        outputs["audio_tokens"] = usage.audio_output_tokens
    if extra:
        inputs.update(extra.pop("prompt_tokens_details", EMPTY))
        outputs.update(extra.pop("completion_tokens_details", EMPTY))
    if inputs:
        written["prompt_tokens_details"] = inputs
    if outputs:
        written["completion_tokens_details"] = outputs
    if usage.estimated:
        written["estimated"] = True
    return {**written, **extra} if extra else written


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """A copy without nulls."""
    if None not in fields.values():
        return fields.copy()
    return {name: value for name, value in fields.items() if value is not None}
