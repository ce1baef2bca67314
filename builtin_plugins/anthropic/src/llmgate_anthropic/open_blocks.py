"""A block of a provider's stream while it is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import define

from llmgate_core.upstream_errors import UpstreamBadResponse

from .checks import a_string, required


@define
class OpenBlock:
    """A block that has begun. ``input`` is the tool input it began with; ``opaque`` a block told as a whole at its end."""

    index: int
    kind: str
    input: str = ""
    wrote: bool = False
    opaque: dict[str, Any] | None = None
    json: str = ""


def must_be(opened: OpenBlock, *kinds: str) -> None:
    """Raises :class:`UpstreamBadResponse` when a delta came for a block that it does not fit."""
    if opened.kind not in kinds:
        raise UpstreamBadResponse(f"the provider sent a delta that does not fit a block of type {opened.kind!r}")


def grow(opened: OpenBlock, delta: Mapping[str, Any]) -> None:
    """A delta of a block that only this dialect has: input as JSON, every other field by its name."""
    data = opened.opaque
    if data is None:
        return
    if delta.get("type") == "input_json_delta":
        opened.json += required(delta, "partial_json", a_string, "delta")
        return
    for name, value in delta.items():
        if name != "type":
            known = data.get(name)
            data[name] = known + value if isinstance(known, str) and isinstance(value, str) else value


def complete(opened: OpenBlock) -> dict[str, Any]:
    """A block that only this dialect has, whole. Raises :class:`UpstreamBadResponse` for input that is no JSON."""
    data = opened.opaque or {}
    if opened.json:
        try:
            data["input"] = msgspec.json.decode(opened.json)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UpstreamBadResponse(f"the provider sent tool input that is not valid JSON: {error}") from None
    return data
