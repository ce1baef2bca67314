"""A provider's whole answer → canonical."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.messages import Block, ChatResponse, Choice, Message, ToolCall
from llmgate_core.renames import Renames
from llmgate_core.upstream_errors import UpstreamBadResponse

from .chunks import check_text
from .errors import rejection_within
from .fields import Fields, provider_fault
from .read_messages import MessageReader
from .usage import read_usage
from .usual_answer import read_usual
from .words import NAME, canonical_finish

_decode: Final = msgspec.json.Decoder().decode


def read_response(body: bytes, renames: Renames | None) -> ChatResponse:
    """The whole answer. Raises :class:`UpstreamBadResponse`, or the error that it holds."""
    check_text(body)
    try:
        usual = read_usual(_decode(body), renames)
        return read_any(_decode(body), renames) if usual is None else usual
    except (msgspec.DecodeError, RecursionError):
        raise _not_json() from None


def read_any(whole: Any, renames: Renames | None) -> ChatResponse:
    """An answer of any shape, field by field."""
    answer = Fields(whole, "", provider_fault)
    error = answer.take("error")
    if error is not None:
        raise rejection_within(error)
    answer_id = answer.string("id") or ""
    choices = tuple(
        _choice(choice, number, answer_id, renames) for number, choice in enumerate(answer.objects("choices"))
    )
    if not choices:
        raise UpstreamBadResponse("the provider's answer has no choices")
    created = answer.take("created")
    return ChatResponse(
        answer_id,
        answer.string("model") or "",
        choices,
        read_usage(answer.take("usage")),
        int(created) if isinstance(created, (int, float)) else None,
        answer.string("service_tier"),
        NAME,
        answer.rest(),
    )


def _choice(choice: Fields, number: int, seed: str, renames: Renames | None) -> Choice:
    index = choice.take("index")
    message = MessageReader(provider_fault, f"{seed or 'answer'} {number}").read_assistant(choice.inner("message"))
    if renames is not None:
        message = _restored(message, renames)
    called = any(isinstance(block, ToolCall) for block in message.content)
    native = choice.string("finish_reason")
    stop_sequence = choice.take("stop_sequence")
    return Choice(
        message,
        canonical_finish(native, called=called),
        index if type(index) is int else number,
        native,
        stop_sequence if type(stop_sequence) is str else None,
        choice.take("logprobs"),
        choice.rest() or EMPTY,
    )


def _restored(message: Message, renames: Renames) -> Message:
    """The message with its tools under the names the client gave them."""
    content: list[Block] = []
    for block in message.content:
        if isinstance(block, ToolCall):
            name = renames.to_client(block.name)
            content.append(
                ToolCall(block.id, name, block.arguments, block.kind, block.cache_control, block.extra)
                if name != block.name
                else block
            )
        else:
            content.append(block)
    return Message(message.role, tuple(content), message.name, message.extra)


def _not_json() -> UpstreamBadResponse:
    return UpstreamBadResponse("the provider's answer is not valid JSON")
