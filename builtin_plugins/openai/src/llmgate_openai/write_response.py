"""Canonical → the answer a client gets."""

from __future__ import annotations

import time
import uuid
from typing import Any, Final

import msgspec

from llmgate_core.dialect import Losses
from llmgate_core.messages import (
    Audio,
    Block,
    ChatResponse,
    Choice,
    Image,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.request import Request

from .carry import Carry
from .citations import link_up
from .fields import merge, plain
from .parts import write_part
from .read_messages import write_audio
from .thinking import write_thinking
from .tools import write_call
from .usage import write_usage
from .words import COMPLETION, NAME, native_finish

_encode: Final = msgspec.json.Encoder(enc_hook=plain).encode


def wants_functions(request: Request) -> bool:
    """Whether the client speaks the older form, with ``functions`` for ``tools``: it expects ``function_call``."""
    return "functions" in request.fields and "tools" not in request.fields


def answer_id(given: str) -> str:
    """The answer's id: the provider's, or one of our own."""
    return given or f"chatcmpl-{uuid.uuid4().hex}"


def write_response(response: ChatResponse, request: Request) -> bytes:
    """The body. Extras are written when the answer came in this dialect; from another, only what has a place here."""
    own = response.dialect == NAME
    legacy = wants_functions(request)
    written: dict[str, Any] = {
        "id": answer_id(response.id),
        "object": COMPLETION,
        "created": int(time.time()) if response.created is None else response.created,
        "model": response.model or request.model,
        "choices": [_choice(choice, own=own, legacy=legacy) for choice in response.choices],
    }
    if response.usage is not None:
        written["usage"] = write_usage(response.usage, own=own)
    if own:
        if response.service_tier is not None:
            written["service_tier"] = response.service_tier
        merge(written, response.extra)
    return _encode(written)


def _choice(choice: Choice, *, own: bool, legacy: bool) -> dict[str, Any]:
    message, called = _message(choice, own=own, legacy=legacy)
    finish = native_finish(choice.finish_reason, choice.native_finish if own else None, called=called)
    if legacy and finish == "tool_calls":
        finish = "function_call"
    written: dict[str, Any] = {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": finish,
    }
    if choice.stop_sequence is not None:
        written["stop_sequence"] = choice.stop_sequence
    if own:
        return merge(written, choice.extra)
    if choice.native_finish is not None:
        written["native_finish_reason"] = choice.native_finish
    return written


def _message(choice: Choice, *, own: bool, legacy: bool) -> tuple[dict[str, Any], bool]:
    """The message, and whether it calls tools. Blocks that no client of this format could read are left out."""
    blocks = choice.message.content
    if not own and len(blocks) == 1 and type(blocks[0]) is Text and not blocks[0].extra:
        return {"role": "assistant", "content": blocks[0].text, "refusal": None}, False  # most answers are
    texts = [block.text for block in blocks if isinstance(block, Text)]
    refusals = [block.text for block in blocks if isinstance(block, Refusal)]
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    written: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        **write_thinking(block for block in blocks if isinstance(block, (Thinking, RedactedThinking))),
    }
    if legacy and calls:
        written["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments or "{}"}
    elif calls:
        written["tool_calls"] = [_call(call, own=own) for call in calls]
    carry = Carry(NAME if own else "", Losses())
    images = [write_part(block, "", carry) for block in blocks if isinstance(block, Image)]
    if images:
        written["images"] = images
    for block in blocks:
        if isinstance(block, Audio):
            sound = {"id": f"audio_{choice.index}", "data": "", "expires_at": 0, "transcript": ""}
            written["audio"] = {**({} if own else sound), **write_audio(block)}
    if own:
        return merge(written, choice.message.extra), bool(calls)
    return {**written, **_sources(blocks)}, bool(calls)


def _call(call: ToolCall, *, own: bool) -> dict[str, Any]:
    written = write_call(call, call.id, call.name, own=own)
    return merge(written, call.extra) if own else written


def _sources(blocks: tuple[Block, ...]) -> dict[str, Any]:
    """What the text rests on, with places counted in the whole content."""
    links: list[dict[str, Any]] = []
    others: list[Any] = []
    start = 0
    for block in blocks:
        if isinstance(block, Text):
            found = link_up(block.extra.get("citations") or (), start, start + len(block.text))
            links += found[0]
            others += found[1]
            start += len(block.text)
    return {**({"annotations": links} if links else {}), **({"citations": others} if others else {})}
