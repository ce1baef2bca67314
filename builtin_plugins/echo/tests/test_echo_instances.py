"""Instances of JSON schemas, also of hostile ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_echo.instances import instance

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 6},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
        "nick": {"type": "string"},
    },
    "required": ["name", "tags"],
    "$defs": {"tag": {"enum": ["a", "b"]}},
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "echo"),
        ({"type": "string", "maxLength": 2}, "ec"),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": "string", "enum": ["x", "y"]}, "x"),
        ({"const": 5}, 5),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "exclusiveMaximum": -2}, -3),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 0),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 0),
        (
            {"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "null"}}, "required": ["b"]}]},
            {"a": None, "b": "echo"},
        ),
        (PERSON, {"name": "echooo", "tags": ["a", "a"]}),
        (True, "echo"),
        ({"type": "object"}, {}),
    ],
)
def test_the_least_that_fits(schema: Any, expected: Any) -> None:
    """Required properties and bounds are met, nothing more is said."""
    assert instance(schema) == expected


def test_required_reference_to_itself_ends() -> None:
    """A schema that has no finite instance is left with null where it got too deep."""
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert json.dumps(instance(endless)).endswith("null" + "}" * json.dumps(instance(endless)).count("{"))


def test_a_schema_that_refers_only_to_itself_ends() -> None:
    """A reference in a circle is no instance, and no hang."""
    assert instance({"$ref": "#"}) == "echo"


def test_exponential_references_are_bounded() -> None:
    """Ten lines that unfold to a billion nodes cost no more than others."""
    definitions: dict[str, Any] = {"d0": {"type": "integer"}}
    for level in range(1, 30):
        definitions[f"d{level}"] = {"allOf": [{"$ref": f"#/$defs/d{level - 1}"}] * 4}
    assert instance({"$ref": "#/$defs/d29", "$defs": definitions}) in (0, "echo", None)


def test_huge_arrays_are_bounded() -> None:
    """minItems and minLength of a client do not size the answer."""
    schema: Any = {"type": "string", "minLength": 10**9}
    for _ in range(8):
        schema = {"type": "array", "items": schema, "minItems": 10**9}
    assert len(json.dumps(instance(schema))) < 5_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "items", "minItems", "minimum", "allOf", "anyOf", "$ref", "enum"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_nonsense_schemas_give_something(schema: Any) -> None:
    """A schema of wrong shapes never raises, and what comes is JSON."""
    assert isinstance(json.dumps(instance(schema)), str)
