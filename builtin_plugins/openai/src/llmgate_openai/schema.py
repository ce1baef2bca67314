"""JSON schemas of tools and outputs, made acceptable to the API; deterministic, and never in place.

What the vendor's documentation of function calling and structured outputs says, and its errors confirm: a function's
parameters must be an object schema without ``anyOf``, ``oneOf``, ``allOf``, ``enum`` or ``not`` at its top; patterns must
compile; a strict schema forbids additional properties and requires every property, in each of its objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from llmgate_core.dialect import Losses

from .fields import plain

_TOP: Final = ("anyOf", "oneOf", "allOf")
_REFUSED: Final = ("enum", "not")
_DEEPEST: Final = 64
_encode: Final = msgspec.json.Encoder(enc_hook=plain).encode


def tool_parameters(schema: Mapping[str, Any] | None, path: str, losses: Losses) -> dict[str, Any]:
    """A function's parameters for this API, whatever another one allowed."""
    result: dict[str, Any] = {"type": "object", **without_bad_patterns(schema or {})}
    if result["type"] is None:
        result["type"] = "object"
    for word in _REFUSED:
        if word in result:
            losses.add(f"{path}.{word}", "parameters of a function cannot have this at their top; use properties")
            del result[word]
    for word in _TOP:
        branches = result.pop(word, None)
        if isinstance(branches, Sequence) and not isinstance(branches, str):
            _fold(result, [branch for branch in branches if isinstance(branch, Mapping)], every=word == "allOf")
    result.setdefault("properties", {})
    return result


def _fold(result: dict[str, Any], branches: list[Mapping[str, Any]], *, every: bool) -> None:
    """Make one object of several: all their properties; required is what all (``allOf``: any) of them require."""
    properties = _properties(result)
    required = _required(result)
    demands = [_required(branch) for branch in branches]
    for branch in branches:
        for name, found in _properties(branch).items():
            known = properties.get(name, found)
            properties[name] = known if known == found else {"anyOf": _either(known, found)}
    for name in dict.fromkeys(name for demand in demands for name in demand):
        if name not in required and (every or all(name in demand for demand in demands)):
            required.append(name)
    result["properties"] = properties
    if required:
        result["required"] = required


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a client wrote there may be anything."""
    found = schema.get("properties")
    return dict(found) if isinstance(found, Mapping) else {}


def _required(schema: Mapping[str, Any]) -> list[str]:
    found = schema.get("required")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _either(known: Any, found: Any) -> list[Any]:
    options = [known]
    if isinstance(known, Mapping) and set(known) == {"anyOf"} and isinstance(known["anyOf"], list):
        options = known["anyOf"]
    return [*options, *([] if found in options else [found])]


def without_bad_patterns(schema: Any) -> Any:
    """A schema without ``pattern`` keywords that are no regular expression. A property may be called ``pattern``: it stays.

    Most schemas have no such keyword, as their JSON tells much sooner than a walk through them.
    """
    return _cleaned(schema, 0) if b'"pattern"' in _encode(schema) else schema


def _cleaned(schema: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return schema
    if isinstance(schema, Mapping):
        return {
            name: _cleaned(value, depth + 1)
            for name, value in schema.items()
            if not (name == "pattern" and isinstance(value, str) and not _compiles(value))
        }
    if isinstance(schema, list):
        return [_cleaned(value, depth + 1) for value in schema]
    return schema


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def is_strict(schema: Any, depth: int = 0) -> bool:
    """Whether a schema may be sent with ``strict``: each object closed, and each of its properties required."""
    if depth > _DEEPEST:
        return False
    if isinstance(schema, list):
        return all(is_strict(value, depth + 1) for value in schema)
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        closed = schema.get("additionalProperties") is False
        if not closed or set(_required(schema)) != set(_properties(schema)):
            return False
    return all(
        is_strict(value, depth + 1) for name, value in schema.items() if name not in ("enum", "const", "default")
    )
