"""A frame of a provider's stream, decoded."""

from __future__ import annotations

from typing import Any

import msgspec

from llmgate_core.frames import parse_sse
from llmgate_core.upstream_errors import UpstreamBadResponse


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
