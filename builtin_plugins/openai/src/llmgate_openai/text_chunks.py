"""The chunk that nearly all of a stream is: one more piece of the first choice's text, and nothing else.

Its fields are named here, each with its type, so that whatever else a chunk holds is left to the patient reader.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec


class _Exact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Nothing but the fields it names."""


class _Delta(_Exact):
    content: str


class _Choice(_Exact):
    index: Literal[0]
    delta: _Delta
    finish_reason: None = None
    logprobs: None = None


class _Chunk(_Exact):
    choices: tuple[_Choice]
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    obfuscation: str | None = None
    usage: None = None


_decode: Final = msgspec.json.Decoder(_Chunk).decode


def text_of(frame: bytes, start: dict[str, Any]) -> str:
    """The text in a frame; empty when it is another frame, or tells anything that the stream's ``start`` did not."""
    if not frame.startswith(b"data: "):
        return ""
    try:
        chunk = _decode(frame[6:-2])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    fingerprint, tier = chunk.system_fingerprint, chunk.service_tier
    if (
        (chunk.object is not None and chunk.object != start.get("object"))
        or (fingerprint is not None and fingerprint != start.get("system_fingerprint"))
        or (tier is not None and tier != start.get("service_tier"))
    ):
        return ""
    return chunk.choices[0].delta.content
