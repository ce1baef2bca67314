"""A frame of a provider's stream, decoded."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from llmgate_core.frames import parse_sse
from llmgate_core.upstream_errors import UpstreamBadResponse

_TEXT_HEAD: Final = b"event: content_block_delta\ndata: "
_TEXT_HEAD_SIZE: Final = len(_TEXT_HEAD)


class _Exact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Nothing but the fields it names."""


class _Words(_Exact):
    type: Literal["text_delta"]
    text: str


class TextDelta(_Exact):
    """The event that nearly all of a stream is: one more piece of a block of text."""

    type: Literal["content_block_delta"]
    index: int
    delta: _Words


_decode_text: Final = msgspec.json.Decoder(TextDelta).decode


def text_delta(frame: bytes) -> TextDelta | None:
    """A raw frame → that event; None for any other, and for one of another shape."""
    if not frame.startswith(_TEXT_HEAD) or b'"text_delta"' not in frame:
        return None
    try:
        return _decode_text(frame[_TEXT_HEAD_SIZE:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_frame(frame: bytes) -> dict[str, Any] | None:
    """A raw frame → its JSON, with ``type`` filled in from the event's name; None for a comment or an end marker.

    Raises :class:`UpstreamBadResponse`.
    """
    sse = parse_sse(frame)
    if sse is None or sse.data.strip() in (b"", b"[DONE]"):
        return None
    try:
        data = msgspec.json.decode(sse.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamBadResponse(f"the provider sent a stream event that is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise UpstreamBadResponse("the provider sent a stream event that is not a JSON object")
    if not isinstance(data.get("type"), str):
        data["type"] = "error" if "error" in data else sse.event
    return data
