"""A JSON body, split into its top-level fields without building objects.

``msgspec`` validates the whole document while it splits (NaN, lone surrogates, trailing data, a BOM are errors). What it
lets pass and a gateway must not, is checked here: invalid UTF-8, duplicate keys (two readers could see two different
requests), and numbers at the top level that JSON readers disagree on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from .errors import InvalidRequest

_decode_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_LONGEST_NUMBER: Final = 64
_KEY: Final = re.compile(rb'\s*[{,]?\s*"([^"\\]*)"\s*:\s*')


def split_fields(body: bytes) -> dict[str, msgspec.Raw]:
    """Body → ``{name: raw JSON}``. Raises :class:`InvalidRequest` (``invalid_json``) saying what is wrong."""
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
    # Compact JSON (what SDKs send) has no byte to spare for a second copy of a key: one sum settles it.
    spare = len(body) - 1
    for name, raw in fields.items():
        size = memoryview(raw).nbytes
        spare -= len(name) + 4 + size
        if size > _LONGEST_NUMBER and raw_is_number(raw):
            raise _invalid(f"the number in {name!r} is too long")
    if spare > 0 or not fields:
        _refuse_duplicates(body, fields)
    return fields


def raw_is_number(raw: msgspec.Raw) -> bool:
    """Whether the raw JSON value is a number."""
    return memoryview(raw)[0] in b"-0123456789"


def decode_value(raw: msgspec.Raw, name: str) -> Any:
    """Raw JSON → Python value. Raises :class:`InvalidRequest` for a number no reader agrees on (1e999)."""
    value = msgspec.json.decode(raw)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"the number in {name!r} is out of range", code="invalid_json", param=name)
    return value


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
        position += len(memoryview(raw))
    else:
        if body[position:].strip(b" \t\r\n{") == b"}":
            return
    json.loads(body, object_pairs_hook=_unique, parse_constant=str, parse_float=str, parse_int=str)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise InvalidRequest(
                f"the key {name[:100]!r} stands twice in one JSON object; send it once",
                code="invalid_json",
                param=name[:100],
            )
        result[name] = value
    return result


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_json")
