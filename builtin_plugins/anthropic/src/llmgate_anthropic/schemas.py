"""JSON Schema, made to fit: what tools must have, and what constrained output does not accept.

Constrained output (``output_config.format``, strict tools) knows a part of JSON Schema: no ``oneOf``, no numeric or length
limits, ``additionalProperties: false`` on every object, no recursion. What it does not know is told in the description.
Keys come out in the order they came in: the same schema gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.errors import InvalidRequest

_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_KEPT: Final = frozenset({"type", "enum", "const", "$ref", "required", "title", "description"})
_COMBINERS: Final = ("anyOf", "oneOf", "allOf")
_LONGEST_INLINED: Final = 64 * 1024


def constrained(schema: Mapping[str, Any], path: str) -> dict[str, Any]:
    """``schema`` for constrained output. Raises :class:`InvalidRequest` for a recursive one, which the API refuses."""
    found = with_local_definitions(schema)
    _refuse_recursion(found, path)
    return _constrained(found)


def _constrained(schema: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for name, value in schema.items():
        combiner = "allOf" if name == "allOf" else "anyOf"
        if name in ("$defs", "properties") and isinstance(value, Mapping):
            out[name] = {key: _sub(sub) for key, sub in value.items()}
        elif name in _COMBINERS and isinstance(value, list) and combiner not in out:
            out[combiner] = [_sub(sub) for sub in value]
        elif name == "items" and isinstance(value, Mapping):
            out[name] = _sub(value)
        elif _is_accepted(name, value):
            out[name] = value
        elif not name.startswith("$") and not (name == "additionalProperties" and isinstance(value, bool)):
            told[name] = value
    if _is_object(out):
        out.setdefault("type", "object")
        out.setdefault("properties", {})
        out["additionalProperties"] = False
    if told:
        text = msgspec.json.encode(told).decode()
        out["description"] = f"{out['description']}\n\n{text}" if out.get("description") else text
    return out


def _is_accepted(name: str, value: Any) -> bool:
    if name == "format":
        return isinstance(value, str) and value in _FORMATS
    return name in _KEPT or (name == "minItems" and value in (0, 1))


def _sub(schema: Any) -> Any:
    return _constrained(schema) if isinstance(schema, Mapping) else schema


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return (
        kind == "object" or (isinstance(kind, list) and "object" in kind) or (kind is None and "properties" in schema)
    )


def input_schema(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """A tool's parameters as the API accepts them: an object at the top, with local references only."""
    schema = dict(with_local_definitions(parameters or {}))
    if any(name in schema for name in _COMBINERS):
        schema = _flattened(schema)
    if schema.get("type") != "object":
        schema = {"type": "object", **{name: value for name, value in schema.items() if name != "type"}}
    if schema.get("properties") is None:
        schema["properties"] = {}
    return schema


def _flattened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``anyOf``, ``oneOf`` and ``allOf`` at the top, which the API refuses there: one object with all their properties."""
    out = {name: value for name, value in schema.items() if name not in _COMBINERS}
    properties = dict(_mapping(out, "properties"))
    needed = list(_items(out, "required"))
    for name in _COMBINERS:
        branches = [branch for branch in _items(schema, name) if isinstance(branch, Mapping)]
        for branch in branches:
            properties = {**_mapping(branch, "properties"), **properties}
        demands = [_items(branch, "required") for branch in branches]
        for key in demands[0] if demands else ():
            if key not in needed and (name == "allOf" or all(key in demand for demand in demands)):
                needed.append(key)
        if name == "allOf":
            needed += [key for demand in demands[1:] for key in demand if key not in needed]
    out["properties"] = properties
    if needed:
        out["required"] = needed
    return out


def _mapping(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What a client wrote there may be anything: what is no object is none."""
    found = schema.get(name)
    return found if isinstance(found, Mapping) else EMPTY


def _items(schema: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = schema.get(name)
    return found if isinstance(found, list) else ()


def with_local_definitions(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Old references (``#/definitions/X``) put in place; when they are circular or would grow too much, moved to ``$defs``."""
    definitions = schema.get("definitions")
    if not isinstance(definitions, Mapping):
        return schema
    body = {name: value for name, value in schema.items() if name != "definitions"}
    budget = [_LONGEST_INLINED]
    inlined = _inline(body, definitions, (), budget)
    if inlined is not None and budget[0] > 0:
        return inlined if isinstance(inlined, Mapping) else schema
    moved: Mapping[str, Any] = _renamed({**body, "$defs": {**definitions, **_mapping(schema, "$defs")}})
    return moved


def _inline(node: Any, definitions: Mapping[str, Any], inside: tuple[str, ...], budget: list[int]) -> Any:
    """``node`` without old references; None when that cannot be."""
    if isinstance(node, list):
        items = [_inline(item, definitions, inside, budget) for item in node]
        return None if any(new is None and old is not None for new, old in zip(items, node, strict=True)) else items
    if not isinstance(node, Mapping):
        return node
    name = _old_reference(node)
    if name is not None:
        if name in inside or name not in definitions or budget[0] <= 0:
            return None
        budget[0] -= len(msgspec.json.encode(definitions[name]))
        target = _inline(definitions[name], definitions, (*inside, name), budget)
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return {**target, **siblings} if isinstance(target, Mapping) else target
    out: dict[str, Any] = {}
    for key, value in node.items():
        out[key] = _inline(value, definitions, inside, budget)
        if out[key] is None and value is not None:
            return None
    return out


def _renamed(node: Any) -> Any:
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    name = _old_reference(node)
    out = {key: _renamed(value) for key, value in node.items()}
    return out if name is None else {**out, "$ref": f"#/$defs/{name}"}


def _old_reference(node: Mapping[str, Any]) -> str | None:
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/definitions/"):
        return reference.removeprefix("#/definitions/")
    return None


def _refuse_recursion(schema: Mapping[str, Any], path: str) -> None:
    known = _mapping(schema, "$defs")
    done: set[str] = set()

    def visit(node: Any, inside: tuple[str, ...]) -> None:
        for reference in _references(node):
            if reference == "#" or reference in inside:
                raise InvalidRequest(f"{path}: a schema that refers to itself is not supported here", param=path)
            target = known.get(reference.removeprefix("#/$defs/"))
            if reference not in done and target is not None:
                visit(target, (*inside, reference))
                done.add(reference)

    visit({name: value for name, value in schema.items() if name != "$defs"}, ())


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in _references(item)]
    if not isinstance(node, Mapping):
        return []
    reference = node.get("$ref")
    own = [reference] if isinstance(reference, str) else []
    return own + [found for value in node.values() for found in _references(value)]
