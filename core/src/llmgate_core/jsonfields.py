"""A JSON body, split into its top-level fields without building objects.

``msgspec`` validates the whole document while it splits (NaN, lone surrogates, trailing data, a BOM are errors). What it
lets pass and a gateway must not, is checked here: invalid UTF-8, duplicate keys (two readers could see two different
requests), and numbers at the top level that JSON readers disagree on.

A usual body is split by the compiled twin, where there is one; it judges by the same rules and accepts nothing else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from .errors import InvalidRequest
from .native import native

_decode_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NUMBER: Final = b"-0123456789"
_SHORTEST_ODD_NUMBER: Final = 5  # 1e999
_LONGEST_NUMBER: Final = 64
_KEY: Final = re.compile(rb'\s*[{,]?\s*"([^"\\]*)"\s*:\s*')


def split_fields(body: bytes) -> dict[str, msgspec.Raw]:
    """Body → ``{name: raw JSON}``. Raises :class:`InvalidRequest` (``invalid_json``) saying what is wrong."""
    if native is not None:
        split: dict[str, msgspec.Raw] | None = native.split_fields(body, msgspec.Raw)
        if split is not None:  # otherwise it is unusual, and what follows judges it
            return split
    if not body:
        raise _invalid("the request body is empty; send a JSON object")
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _invalid(f"the request body is not valid UTF-8 (byte {error.start})") from None
    try:
        fields = _decode_fields(body)
    except msgspec.ValidationError:
        raise _invalid("the request body must be a JSON object") from None
    except msgspec.DecodeError as error:
        raise _invalid(f"the request body is not valid JSON: {error}") from None
    except RecursionError:
        raise _invalid("the request body is nested too deeply") from None
    # Compact JSON (what SDKs send) has no byte to spare for a second copy of a key: if the sizes add up, ``at`` is where each
    # value begins, and its first byte tells what it is.
    at = 1
    for name, raw in fields.items():
        at += len(name) + 3
        size = len(raw)
        if size >= _SHORTEST_ODD_NUMBER and body[at] in _NUMBER:
            break
        at += size + 1
    if at != len(body) or not fields:
        _look_closer(body, fields)
    return fields


def _look_closer(body: bytes, fields: Mapping[str, msgspec.Raw]) -> None:
    """For a body with spaces, with a number that may be odd, or with a key that stands twice."""
    spare = len(body) - 1
    for name, raw in fields.items():
        size = len(raw)
        spare -= len(name) + 4 + size
        if size >= _SHORTEST_ODD_NUMBER and raw_is_number(raw):
            _check_number(raw, size, name)
    if spare > 0 or not fields:
        _refuse_duplicates(body, fields)


def raw_is_number(raw: msgspec.Raw) -> bool:
    """Whether the raw JSON value is a number."""
    return memoryview(raw)[0] in _NUMBER


def _check_number(raw: msgspec.Raw, size: int, name: str) -> None:
    if size > _LONGEST_NUMBER:
        raise InvalidRequest(f"the number in {name[:100]!r} is too long", code="invalid_json", param=name[:100])
    decode_value(raw, name)


def decode_value(raw: msgspec.Raw, name: str) -> Any:
    """Raw JSON → Python value. Raises :class:`InvalidRequest` for numbers no reader agrees on (1e999), at any depth."""
    try:
        value = msgspec.json.decode(raw)
        if not isinstance(value, float) or math.isfinite(value):
            return value
        reason = "number out of range"
    except msgspec.DecodeError as error:
        reason = str(error)
    except RecursionError:
        reason = "nested too deeply"
    name = name[:100]
    raise InvalidRequest(f"the field {name!r} cannot be read: {reason}", code="invalid_json", param=name)


def decode_whole(fields: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """All fields as Python values: the dict a codec reads."""
    return {name: decode_value(raw, name) for name, raw in fields.items()}


def _refuse_duplicates(body: bytes, fields: Mapping[str, msgspec.Raw]) -> None:
    """Walk the document along its unique fields; only when that walk fails, ask a slow reader."""
    position = 0
    for name, raw in fields.items():
        match = _KEY.match(body, position)
        if match is None or match[1] != name.encode():
            break
        position = match.end()
        if not body.startswith(raw, position):
            break
        position += len(raw)
    else:
        if body[position:].strip(b" \t\r\n{") == b"}":
            return
    try:
        pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=list, parse_float=str, parse_int=str)
    except RecursionError:
        raise _invalid("the request body is nested too deeply") from None
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise InvalidRequest(
                f"the key {name[:100]!r} stands twice in the request; send it once",
                code="invalid_json",
                param=name[:100],
            )
        seen.add(name)


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_json")
