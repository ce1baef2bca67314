"""Content blocks, from the wire. What this form has no word for stays whole, as :class:`Opaque`, or in ``extra``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from llmgate_core.messages import (
    Block,
    Extra,
    File,
    Image,
    Opaque,
    RedactedThinking,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

from .checks import NAME, a_bool, a_list, a_string, an_object, join, optional, required, rest
from .signatures import inward

_SOURCE_KEYS: Final = MappingProxyType(
    {
        "base64": frozenset({"type", "media_type", "data"}),
        "text": frozenset({"type", "media_type", "data"}),
        "url": frozenset({"type", "url"}),
        "file": frozenset({"type", "file_id"}),
    }
)


def read_content(value: Any, path: str) -> tuple[Block, ...]:
    """A message's content: a string, or an array of blocks. Raises :class:`InvalidRequest` with the path."""
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        a_string(value, path)
    return tuple(read_block(block, f"{path}.{i}") for i, block in enumerate(value))


def read_block(value: Any, path: str) -> Block:
    """One block."""
    data = an_object(value, path)
    kind = required(data, "type", a_string, path)
    reader = _READERS.get(kind)
    return Opaque(NAME, kind, data) if reader is None else reader(data, path)


def _cache(data: Mapping[str, Any], path: str) -> Extra | None:
    return optional(data, "cache_control", an_object, path)


def _text(data: dict[str, Any], path: str) -> Block:
    if data.get("citations") is not None:
        a_list(data["citations"], join(path, "citations"))
    text = required(data, "text", a_string, path)
    return Text(text, _cache(data, path), rest(data, "type", "text", "cache_control"))


def _image(data: dict[str, Any], path: str) -> Block:
    source = _source(data, path)
    if source is None or source.kind == "text":
        return Opaque(NAME, "image", data)
    extra = rest(data, "type", "source", "cache_control")
    return Image(source, cache_control=_cache(data, path), extra=extra)


def _document(data: dict[str, Any], path: str) -> Block:
    source = _source(data, path)
    if source is None:
        return Opaque(NAME, "document", data)
    title = optional(data, "title", a_string, path)
    return File(source, title, _cache(data, path), rest(data, "type", "source", "title", "cache_control"))


def _source(data: dict[str, Any], path: str) -> Source | None:
    """Where a picture or document is; None for a kind that only this dialect has (``content``, or a newer one)."""
    path = join(path, "source")
    source = an_object(data.get("source"), path)
    kind = required(source, "type", a_string, path)
    if not source.keys() <= _SOURCE_KEYS.get(kind, frozenset()):
        return None
    if kind == "url":
        return Source("url", required(source, "url", a_string, path))
    if kind == "file":
        return Source("file_id", required(source, "file_id", a_string, path))
    media_type = required(source, "media_type", a_string, path)
    value = required(source, "data", a_string, path)
    return Source("text" if kind == "text" else "base64", value, media_type)


def _tool_use(data: dict[str, Any], path: str) -> Block:
    arguments = msgspec.json.encode(an_object(data.get("input"), join(path, "input"))).decode()
    return ToolCall(
        required(data, "id", a_string, path),
        required(data, "name", a_string, path),
        arguments,
        cache_control=_cache(data, path),
        extra=rest(data, "type", "id", "name", "input", "cache_control"),
    )


def _tool_result(data: dict[str, Any], path: str) -> Block:
    content = data.get("content")
    return ToolResult(
        required(data, "tool_use_id", a_string, path),
        () if content is None else read_content(content, join(path, "content")),
        optional(data, "is_error", a_bool, path),
        _cache(data, path),
        rest(data, "type", "tool_use_id", "content", "is_error", "cache_control"),
    )


def _thinking(data: dict[str, Any], path: str) -> Block:
    text = required(data, "thinking", a_string, path)
    signature, dialect = inward(optional(data, "signature", a_string, path))
    return Thinking(text, signature, dialect, rest(data, "type", "thinking", "signature"))


def _redacted(data: dict[str, Any], path: str) -> Block:
    return RedactedThinking(required(data, "data", a_string, path), NAME, rest(data, "type", "data"))


_READERS: Final[Mapping[str, Callable[[dict[str, Any], str], Block]]] = MappingProxyType(
    {
        "text": _text,
        "image": _image,
        "document": _document,
        "tool_use": _tool_use,
        "tool_result": _tool_result,
        "thinking": _thinking,
        "redacted_thinking": _redacted,
    }
)
