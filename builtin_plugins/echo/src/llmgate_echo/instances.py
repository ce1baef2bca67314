"""A small value that fits a JSON Schema: required properties filled by their types, nothing else.

Understands what tools and structured outputs use: types, enum, const, default, bounds, formats, local ``$ref``, allOf,
anyOf, oneOf. A ``pattern`` is not obeyed. The schema comes from a client: its size, depth and numbers are not trusted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

MOST_NODES: Final = 2000
DEEPEST: Final = 32
LONGEST: Final = 1000
_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": "2024-01-01",
        "date-time": "2024-01-01T00:00:00Z",
        "time": "00:00:00Z",
        "duration": "PT1S",
        "email": "echo@example.com",
        "hostname": "example.com",
        "ipv4": "127.0.0.1",
        "ipv6": "::1",
        "uri": "https://example.com/",
        "uuid": "00000000-0000-4000-8000-000000000000",
    }
)


def instance(schema: Any) -> Any:
    """A minimal instance. A schema that cannot be met (or is endless) gives null where it ends."""
    return _Maker(schema).make(schema, 0)


class _Maker:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = MOST_NODES

    def make(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            return None
        if not isinstance(schema, Mapping):
            return "echo"
        schema = self._flat(schema, 0)
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        for word in ("enum", "examples"):
            if isinstance(schema.get(word), list) and schema[word]:
                return schema[word][0]
        return self._by_type(schema, depth)

    def _by_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        match _type_of(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return _number(schema, whole=True)
            case "number":
                return _number(schema, whole=False)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _string(schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        required = schema.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        known = properties if isinstance(properties, Mapping) else {}
        return {name: self.make(known.get(name, True), depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = schema.get("prefixItems")
        fixed = first if isinstance(first, list) else []
        size = max(_bound(schema, "minItems") or 0, len(fixed))
        items = schema.get("items", True)
        return [self.make(fixed[i] if i < len(fixed) else items, depth + 1) for i in range(int(min(size, LONGEST)))]

    def _flat(self, schema: Mapping[str, Any], level: int) -> Mapping[str, Any]:
        """The schema with its reference, its ``allOf`` and the first branch of its alternatives laid into it."""
        self._left -= 1
        if self._left < 0 or level > DEEPEST:
            return {}
        parts: list[Any] = []
        if isinstance(schema.get("$ref"), str):
            parts.append(self._refer(schema["$ref"]))
        if isinstance(schema.get("allOf"), list):
            parts += schema["allOf"]
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list) and schema[word]:
                parts.append(schema[word][0])
        flat = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}
        for part in parts:
            if isinstance(part, Mapping):
                flat = _merge(self._flat(part, level + 1), flat)
        return flat

    def _refer(self, pointer: str) -> Any:
        """RFC 6901, inside this document only."""
        if not pointer.startswith("#"):
            return {}
        found = self._root
        for step in pointer[1:].split("/")[1:]:
            if not isinstance(found, Mapping):
                return {}
            found = found.get(step.replace("~1", "/").replace("~0", "~"))
        return found


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    if isinstance(below.get("properties"), Mapping) and isinstance(above.get("properties"), Mapping):
        merged["properties"] = {**below["properties"], **above["properties"]}
    if isinstance(below.get("required"), list) and isinstance(above.get("required"), list):
        merged["required"] = below["required"] + above["required"]
    return merged


def _type_of(schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((word for word in kind if word != "null"), "null")
    if kind is None:
        return "object" if "properties" in schema else "array" if "items" in schema else "string"
    return kind


def _bound(schema: Mapping[str, Any], word: str) -> float | None:
    value = schema.get(word)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 else None


def _string(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), "echo")
    least, most = _bound(schema, "minLength") or 0, _bound(schema, "maxLength")
    text = text.ljust(int(min(least, LONGEST)), "o")
    return text if most is None else text[: max(0, int(most))]


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    low, over = _bound(schema, "minimum"), _bound(schema, "exclusiveMinimum")
    high, under = _bound(schema, "maximum"), _bound(schema, "exclusiveMaximum")
    step = _bound(schema, "multipleOf") or (1 if whole else None)
    floor = max((bound for bound in (low, over) if bound is not None), default=None)
    roof = min((bound for bound in (high, under) if bound is not None), default=None)
    if step is not None and step > 0:
        found = _multiple(step, floor, roof, above=floor == over, below=roof == under)
        return int(found) if whole else found
    if floor is None:
        return 0 if roof is None or roof > 0 else roof - 1
    if floor != over:
        return floor
    return floor + 1 if roof is None else (floor + roof) / 2


def _multiple(step: float, floor: float | None, roof: float | None, *, above: bool, below: bool) -> float:
    if floor is not None:
        found = math.ceil(floor / step) * step
        return found + step if above and found == floor else found
    if roof is None or roof > 0:
        return 0
    found = math.floor(roof / step) * step
    return found - step if below and found == roof else found
