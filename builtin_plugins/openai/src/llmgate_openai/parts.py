"""Content parts, both ways: text, image, audio, file, refusal; a part of another type is carried whole."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from llmgate_core.messages import Audio, Block, File, Image, Opaque, Refusal, Source, Text

from .carry import Carry
from .fields import Fail, Fields
from .words import NAME

# ``file_data`` needs a name to go with it; a document from a format that has none gets one by its type.
_ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"application/pdf": "pdf", "text/plain": "txt", "text/html": "html", "text/csv": "csv", "application/json": "json"}
)


def read_content(value: Any, path: str, fail: Fail) -> tuple[Block, ...]:
    """A message's ``content``: a string or an array of parts; null is no content."""
    if value is None:
        return ()
    if type(value) is str:
        return (Text(value),)
    if type(value) is not list:
        raise fail(path, "must be a string or an array of content parts")
    return tuple(read_part(part, f"{path}[{number}]", fail) for number, part in enumerate(value))


def read_part(value: Any, path: str, fail: Fail) -> Block:
    """One part. ``cache_control`` is a widespread extension; every other extra field keeps its name."""
    part = Fields(value, path, fail)
    kind = part.needed("type")
    if kind not in ("text", "image_url", "input_audio", "file", "refusal"):
        return Opaque(NAME, kind, value)
    if kind == "refusal":
        return Refusal(part.needed("refusal"), part.rest())
    cache = part.mapping("cache_control")
    if kind == "text":
        return Text(part.needed("text"), cache, part.rest())
    inner = part.inner(kind)
    if kind == "image_url":
        source, detail = read_url(inner.needed("url")), inner.string("detail")
        return Image(source, detail, cache, part.rest(image_url=inner))
    if kind == "input_audio":
        source, short = Source("base64", inner.needed("data")), inner.needed("format")
        return Audio(source, short, cache, part.rest(input_audio=inner))
    filename = inner.string("filename")
    if inner.has("file_id"):
        source = Source("file_id", inner.needed("file_id"))
    elif inner.has("file_data"):
        found = read_url(inner.needed("file_data"))
        source = found if found.kind == "base64" else Source("base64", found.value)
    else:
        raise inner.wrong("file_id", "or file_data must be given")
    return File(source, filename, cache, part.rest(file=inner))


def read_url(url: str) -> Source:
    """A URL; a plain ``data:<type>;base64,<data>`` one is taken apart, so that it can be written back byte for byte."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        media_type = head[5:-7]
        if media_type and ";" not in media_type:
            return Source("base64", data, media_type)
    return Source("url", url)


def write_part(block: Block, path: str, carry: Carry) -> dict[str, Any] | None:
    """A block as a part of a user's, system's or tool's content; None (and a loss) for what cannot stand there."""
    part: dict[str, Any] | None = None
    match block:
        case Text():
            part = {"type": "text", "text": block.text}
        case Refusal():
            part = {"type": "refusal", "refusal": block.text}
            return carry.complete(part, path, block.extra)
        case Image():
            part = _image(block, path, carry)
        case Audio():
            part = _audio(block, path, carry)
        case File():
            part = _file(block, path, carry)
        case Opaque() if block.dialect == NAME:
            return dict(block.data)
        case _:
            kind = block.type if isinstance(block, Opaque) else type(block).__name__
            carry.losses.add(path, f"{NAME} has no content of type {kind!r} there")
            return None
    if part is None:
        return None
    return carry.complete(part, path, block.extra, block.cache_control)


def folded(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A single plain text is a string: every server takes that."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and set(parts[0]) == {"type", "text"} else parts


def _image(block: Image, path: str, carry: Carry) -> dict[str, Any] | None:
    source = block.source
    if source.kind == "url":
        url = source.value
    elif source.kind == "base64":
        url = f"data:{source.media_type or 'image/png'};base64,{source.value}"
    else:
        carry.losses.add(f"{path}.source", f"{NAME} takes images by URL or inline, not by {source.kind}")
        return None
    image: dict[str, Any] = {"url": url}
    if block.detail is not None:
        image["detail"] = block.detail
    return {"type": "image_url", "image_url": image}


def _audio(block: Audio, path: str, carry: Carry) -> dict[str, Any] | None:
    short = block.format or (block.source.media_type or "").rpartition("/")[2]
    if block.source.kind != "base64" or not short:
        carry.losses.add(f"{path}.source", f"{NAME} takes sound inline, with its format")
        return None
    return {"type": "input_audio", "input_audio": {"data": block.source.value, "format": short}}


def _file(block: File, path: str, carry: Carry) -> dict[str, Any] | None:
    source = block.source
    file: dict[str, Any] = {}
    if source.kind == "text":
        # there are no documents of plain text in this format: the text is said, under its title
        return {"type": "text", "text": f"{block.filename}\n\n{source.value}" if block.filename else source.value}
    if source.kind == "file_id" and carry.own:
        file["file_id"] = source.value
    elif source.kind == "base64":
        media = source.media_type
        file["file_data"] = f"data:{media};base64,{source.value}" if media else source.value
    else:
        carry.losses.add(f"{path}.source", f"{NAME} takes files inline, or by an id of that same provider")
        return None
    if block.filename is not None:
        file["filename"] = block.filename
    elif not carry.own:
        file["filename"] = f"document.{_ENDINGS.get(source.media_type or '', 'bin')}"
    return {"type": "file", "file": file}
