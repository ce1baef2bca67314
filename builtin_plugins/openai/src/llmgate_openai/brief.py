"""What the gateway must know of an answer that is relayed untouched: usage, finish reason, model; nothing else is decoded.

The usual shape is read by typed structs in one pass. Whatever does not fit them exactly is read
again, patiently.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from llmgate_core.upstream_errors import UpstreamBadResponse
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import Summary

from .chunks import check_text
from .errors import rejection_within
from .usage import MOST, read_usage
from .words import NAME, canonical_finish, reason_of

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class _Inputs(msgspec.Struct, gc=False):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    audio_tokens: _Count | None = None


class _Outputs(msgspec.Struct, gc=False):
    reasoning_tokens: _Count | None = None
    audio_tokens: _Count | None = None


class _Counts(msgspec.Struct, gc=False):
    prompt_tokens: _Count
    completion_tokens: _Count
    total_tokens: int
    prompt_tokens_details: _Inputs | None = None
    completion_tokens_details: _Outputs | None = None
    estimated: None = None


class _Message(msgspec.Struct, gc=False):
    tool_calls: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw | None = None


class _UsualChoice(msgspec.Struct, gc=False):
    message: _Message
    finish_reason: str | None = None


class _Usual(msgspec.Struct, gc=False):
    choices: Annotated[list[_UsualChoice], msgspec.Meta(min_length=1)]
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


_decode_usual: Final = msgspec.json.Decoder(_Usual).decode
_decode_any: Final = msgspec.json.Decoder(_Any).decode


def summarise(body: bytes) -> Summary:
    """Raises :class:`UpstreamBadResponse` for an answer that is none, and the error that a 200 may hold.

    Done for every answer, hence in one piece: counts that are plausible and add up are taken as they are (but for extras).
    """
    if not body.isascii():
        check_text(body)
    try:
        usual = _decode_usual(body)
    except (msgspec.DecodeError, RecursionError):
        return _summarise_any(body)
    counts = usual.usage
    prompt, completion = counts.prompt_tokens, counts.completion_tokens
    if counts.total_tokens != prompt + completion:
        return _summarise_any(body)
    cached = written = heard = reasoning = said = None
    if (inputs := counts.prompt_tokens_details) is not None:
        cached, written, heard = inputs.cached_tokens, inputs.cache_write_tokens, inputs.audio_tokens
        if (cached or 0) > prompt or (written or 0) > prompt:
            return _summarise_any(body)
    if (outputs := counts.completion_tokens_details) is not None:
        reasoning, said = outputs.reasoning_tokens, outputs.audio_tokens
    first = usual.choices[0]
    finish = reason_of(first.finish_reason or "", "stop")
    if finish == "stop" and _calls(first.message):
        finish = "tool_calls"
    usage = Usage(prompt, completion, cached, written, None, None, reasoning, heard, said)
    return Summary(usage, finish, usual.model)


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
