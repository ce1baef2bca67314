"""Content blocks, to the wire."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from attrs import frozen

from llmgate_core.dialect import Losses
from llmgate_core.messages import (
    Block,
    Extra,
    File,
    Image,
    Opaque,
    RedactedThinking,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from llmgate_core.renames import Renames

from .checks import NAME

_IMAGE_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_MAGIC: Final[Mapping[str, str]] = MappingProxyType(
    {"/9j/": "image/jpeg", "iVBOR": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
)
_TEXT_TYPES: Final = frozenset({"application/json", "application/xml", "application/x-yaml", "application/yaml"})
_ECHOED: Final = frozenset({"provider_specific_fields", "index", "annotations", "logprobs"})


@frozen
class BlockWriter:
    """Writes blocks for one request. ``own``: the request is of this dialect, so that ``extra`` has its field names."""

    names: Renames
    ids: Renames
    losses: Losses
    own: bool

    def write(self, blocks: Sequence[Block], path: str) -> list[dict[str, Any]]:
        """Blocks of one turn; one that cannot be carried is reported and left out."""
        return [data for block in blocks if (data := self.block(block, path)) is not None]

    def block(self, block: Block, path: str) -> dict[str, Any] | None:
        """One block; None when it was reported as a loss."""
        if isinstance(block, Opaque):
            if block.dialect == NAME:
                return dict(block.data)
            self.losses.add(path, f"a block of type {block.type!r} exists only in {block.dialect}")
            return None
        native = self._native(block, path)
        if native is None:
            return None
        cache = getattr(block, "cache_control", None)
        if cache is not None:
            native["cache_control"] = dict(cache)
        return self._with_extra(native, block.extra, path)

    def _native(self, block: Block, path: str) -> dict[str, Any] | None:
        if isinstance(block, (Text, Refusal)):
            return {"type": "text", "text": block.text}
        if isinstance(block, ToolCall):
            return {
                "type": "tool_use",
                "id": self.ids.to_wire(block.id),
                "name": block.name if self.own else self.names.to_wire(block.name),
                "input": tool_input(block),
            }
        if isinstance(block, ToolResult):
            return self._tool_result(block, path)
        if isinstance(block, Thinking):
            return {"type": "thinking", "thinking": block.text, "signature": block.signature or ""}
        if isinstance(block, RedactedThinking):
            return {"type": "redacted_thinking", "data": block.data}
        if isinstance(block, Image):
            source = self._image(block.source, path)
            return None if source is None else {"type": "image", "source": source}
        if isinstance(block, File):
            return self._document(block, path)
        self.losses.add(path, f"{type(block).__name__.lower()} input is not accepted")
        return None

    def _tool_result(self, block: ToolResult, path: str) -> dict[str, Any]:
        native: dict[str, Any] = {"type": "tool_result", "tool_use_id": self.ids.to_wire(block.call_id)}
        content = self.write([part for part in block.content if not is_blank(part)], path)
        if content:
            native["content"] = content
        if block.is_error is not None:
            native["is_error"] = block.is_error
        return native

    def _image(self, given: Source, path: str) -> dict[str, Any] | None:
        source = inlined(given)
        if source.kind == "url":
            return {"type": "url", "url": source.value}
        if source.kind == "file_id":
            return {"type": "file", "file_id": source.value}
        media_type = (source.media_type or "").lower().replace("image/jpg", "image/jpeg")
        if not media_type and source.kind == "base64":
            media_type = next((kind for magic, kind in _MAGIC.items() if source.value.startswith(magic)), "")
        if self.own and source.media_type:
            media_type = source.media_type
        elif media_type not in _IMAGE_TYPES:
            self.losses.add(path, f"an image must be JPEG, PNG, GIF or WebP, not {media_type or 'of an unknown type'}")
            return None
        return {"type": "base64", "media_type": media_type, "data": source.value}

    def _document(self, block: File, path: str) -> dict[str, Any] | None:
        source = self._document_source(inlined(block.source), block.filename or "", path)
        if source is None:
            return None
        native: dict[str, Any] = {"type": "document", "source": source}
        if block.filename is not None:
            native["title"] = block.filename
        return native

    def _document_source(self, source: Source, filename: str, path: str) -> dict[str, Any] | None:
        if source.kind == "url":
            return {"type": "url", "url": source.value}
        if source.kind == "file_id":
            return {"type": "file", "file_id": source.value}
        media_type = source.media_type or ("application/pdf" if filename.lower().endswith(".pdf") else "text/plain")
        if source.kind == "text":
            return {"type": "text", "media_type": "text/plain", "data": source.value}
        if media_type == "application/pdf" or self.own:
            return {"type": "base64", "media_type": media_type, "data": source.value}
        text = _decoded(source.value) if media_type.startswith("text/") or media_type in _TEXT_TYPES else None
        if text is None:
            self.losses.add(path, f"a file must be PDF or text, not {media_type}")
            return None
        return {"type": "text", "media_type": "text/plain", "data": text}

    def _with_extra(self, native: dict[str, Any], extra: Extra, path: str) -> dict[str, Any]:
        if self.own:
            native.update(extra)
        else:
            for name, value in extra.items():
                if value and name not in _ECHOED:
                    self.losses.add(f"{path}.{name}", f"has no counterpart in {NAME}")
        return native


def is_blank(block: Block) -> bool:
    """Whether a text block has nothing to say (the API refuses such a block)."""
    return isinstance(block, (Text, Refusal)) and not block.text.strip()


def tool_input(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as the object the API wants. What a model wrote wrongly is kept as text, so that nothing is lost."""
    if call.kind == "custom":
        return {"input": call.arguments}
    if not call.arguments.strip():
        return {}
    try:
        value = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"invalid_json": call.arguments}


def inlined(source: Source) -> Source:
    """A ``data:`` URL as what it holds; every other source as it is."""
    if source.kind != "url" or not source.value.startswith("data:"):
        return source
    head, _, data = source.value[5:].partition(",")
    media_type, _, encoding = head.partition(";")
    if encoding.endswith("base64"):
        return Source("base64", data, media_type or None)
    return Source("base64", base64.b64encode(data.encode()).decode(), media_type or None)


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:  # no base64 (not even ASCII, perhaps), or no UTF-8 in it
        return None
