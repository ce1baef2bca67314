"""Frames of a stream as JSON: what reads them and what only watches them need alike."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.upstream_errors import UpstreamBadResponse

DONE: Final = b"[DONE]"
DONE_FRAME: Final = b"data: [DONE]\n\n"
_decode: Final = msgspec.json.Decoder().decode


def decode_chunk(data: bytes) -> dict[str, Any]:
    """One chunk's JSON. Raises :class:`UpstreamBadResponse`: after a broken frame the text could be corrupt."""
    check_text(data)
    try:
        chunk = _decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise _not_json() from None
    if not isinstance(chunk, dict):
        raise UpstreamBadResponse("the provider sent a stream frame that is not a JSON object")
    return chunk


def check_text(data: bytes) -> None:
    """``msgspec`` passes over strings that are not UTF-8 unless somebody asks for them; a client would stumble on them."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            raise _not_json() from None


def _not_json() -> UpstreamBadResponse:
    return UpstreamBadResponse("the provider sent JSON that is not valid")
