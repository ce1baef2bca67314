"""What the gateway must know of an answer that is relayed untouched: usage, finish reason, model; nothing else is decoded.

The usual shape is read by typed structs in one pass. Whatever does not fit them exactly is read
again, patiently.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.upstream_errors import UpstreamBadResponse
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import Summary

from .errors import rejection_within
from .event_reader import check_text
from .usage import MOST, read_usage
from .words import NAME, canonical_finish


class _Inputs(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _Outputs(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _Inputs | None = None
    completion_tokens_details: _Outputs | None = None
    estimated: None = None


class _Message(msgspec.Struct):
    tool_calls: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw | None = None


class _UsualChoice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usual(msgspec.Struct):
    choices: list[_UsualChoice]
    model: str
    usage: _Counts
    error: None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: Any = None


class _Any(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: Any = None
    error: Any = None


_NO_INPUTS: Final = _Inputs()
_NO_OUTPUTS: Final = _Outputs()
_decode_usual: Final = msgspec.json.Decoder(_Usual).decode
_decode_any: Final = msgspec.json.Decoder(_Any).decode


def summarise(body: bytes) -> Summary:
    """Raises :class:`UpstreamBadResponse` for an answer that is none, and the error that a 200 may hold."""
    check_text(body)
    try:
        usual = _decode_usual(body)
    except (msgspec.DecodeError, RecursionError):
        return _summarise_any(body)
    usage = _counted(usual.usage)
    if usage is None or not usual.choices:
        return _summarise_any(body)
    first = usual.choices[0]
    return Summary(usage, canonical_finish(first.finish_reason, called=_calls(first.message)), usual.model)


def _counted(counts: _Counts) -> Usage | None:
    """The counts, as they are but for extras; None when they do not add up and want a closer look."""
    prompt, completion = counts.prompt_tokens, counts.completion_tokens
    inputs = counts.prompt_tokens_details or _NO_INPUTS
    outputs = counts.completion_tokens_details or _NO_OUTPUTS
    cached, written, heard = inputs.cached_tokens, inputs.cache_write_tokens, inputs.audio_tokens
    reasoning, said = outputs.reasoning_tokens, outputs.audio_tokens
    plausible = (
        0 <= prompt <= MOST
        and 0 <= completion <= MOST
        and counts.total_tokens == prompt + completion
        and 0 <= (cached or 0) <= prompt
        and 0 <= (written or 0) <= prompt
        and 0 <= (heard or 0) <= MOST
        and 0 <= (reasoning or 0) <= MOST
        and 0 <= (said or 0) <= MOST
    )
    if not plausible:
        return None
    return Usage(prompt, completion, cached, written, None, None, reasoning, heard, said)


def _calls(message: _Message) -> bool:
    return bool(message.tool_calls) or message.function_call is not None


def _summarise_any(body: bytes) -> Summary:
    try:
        brief = _decode_any(body)
    except msgspec.ValidationError as error:
        raise UpstreamBadResponse(f"the provider's answer is no {NAME} answer: {error}") from None
    except (msgspec.DecodeError, RecursionError):
        raise UpstreamBadResponse("the provider sent JSON that is not valid") from None
    if brief.error is not None:
        raise rejection_within(brief.error)
    if not brief.choices:
        raise UpstreamBadResponse("the provider's answer has no choices")
    native, called = brief.choices[0].finish_reason, _calls(brief.choices[0].message)
    finish = canonical_finish(native if type(native) is str else None, called=called)
    return Summary(read_usage(brief.usage), finish, brief.model if type(brief.model) is str else None)
