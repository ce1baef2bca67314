"""Translation cases: JSON Schema, for tools and for structured answers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from anthropic.lib._parse._transform import transform_schema

from llmgate_anthropic.schemas import constrained, input_schema
from llmgate_core.errors import InvalidRequest

RICH: dict[str, Any] = {
    "type": "object",
    "description": "A person",
    "properties": {
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "one": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "pet": {"oneOf": [{"$ref": "#/$defs/Cat"}, {"type": "null"}]},
        "mail": {"type": "string", "format": "email", "maxLength": 9},
        "odd": {"type": "string", "format": "color"},
    },
    "required": ["age"],
    "$defs": {"Cat": {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": True}},
}


def test_wt_044_unknown_keywords_move_into_the_description() -> None:
    """What the API refuses is told in words; ``oneOf`` becomes ``anyOf``; every object is closed."""
    schema = constrained(RICH, "response_format")
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Cat"]["additionalProperties"] is False
    assert schema["properties"]["age"] == {"type": "integer", "description": '{"minimum":0,"maximum":150}'}
    assert schema["properties"]["tags"]["description"] == '{"minItems":2}'
    assert schema["properties"]["one"]["minItems"] == 1
    assert schema["properties"]["pet"] == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"type": "null"}]}
    assert schema["properties"]["mail"] == {"type": "string", "format": "email", "description": '{"maxLength":9}'}
    assert schema["properties"]["odd"] == {"type": "string", "description": '{"format":"color"}'}


def test_wt_044_agrees_with_the_official_sdk() -> None:
    """But for the words of the descriptions, the SDK's own transformation gives the same."""

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: bare(value) for name, value in node.items() if name != "description"}
        return [bare(item) for item in node] if isinstance(node, list) else node

    assert bare(constrained(RICH, "x")) == bare(transform_schema(json.loads(json.dumps(RICH))))


def test_wt_044_a_map_of_free_keys_is_told() -> None:
    """``additionalProperties`` with a schema cannot be constrained, but it is not forgotten."""
    schema = constrained({"type": "object", "additionalProperties": {"type": "integer"}}, "x")
    assert schema["additionalProperties"] is False
    assert schema["description"] == '{"additionalProperties":{"type":"integer"}}'


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"$ref": "#/$defs/N", "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}}},
        {
            "properties": {"a": {"$ref": "#/definitions/A"}},
            "definitions": {"A": {"items": {"$ref": "#/definitions/A"}}},
        },
    ],
)
def test_wt_044_recursion_is_refused(schema: dict[str, Any]) -> None:
    """The API would refuse it with a text that the client cannot place."""
    with pytest.raises(InvalidRequest, match="refers to itself"):
        constrained(schema, "response_format")


def test_wt_323_the_same_schema_gives_the_same_bytes_in_every_process() -> None:
    """Prompt caches depend on it, whatever PYTHONHASHSEED is."""
    program = (
        "import json,sys; from llmgate_anthropic.schemas import constrained, input_schema;"
        "s=json.loads(sys.stdin.read()); print(json.dumps([constrained(s,'x'), input_schema(s)]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(RICH),
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("parameters", [None, {}, {"type": None}, {"properties": None}, {"type": "string"}])
def test_wt_045_parameters_become_an_object(parameters: dict[str, Any] | None) -> None:
    """Missing, null and wrong types are an object without properties."""
    assert input_schema(parameters) == {"type": "object", "properties": {}}


def test_wt_045_old_references_are_put_in_place() -> None:
    """``#/definitions/X`` is inlined, with what stands beside the reference."""
    schema = {
        "type": "object",
        "properties": {"home": {"$ref": "#/definitions/Address", "description": "where"}},
        "definitions": {
            "Address": {"type": "object", "properties": {"zip": {"$ref": "#/definitions/Zip"}}},
            "Zip": {"type": "string"},
        },
    }
    home = input_schema(schema)["properties"]["home"]
    assert home == {"type": "object", "properties": {"zip": {"type": "string"}}, "description": "where"}
    assert "definitions" not in input_schema(schema)


def test_wt_045_circular_references_stay_references() -> None:
    """They move to ``$defs``, which the API reads; nothing loops."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/Node"}}}
    schema = input_schema({"properties": {"head": {"$ref": "#/definitions/Node"}}, "definitions": {"Node": node}})
    assert schema["properties"]["head"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["properties"]["next"] == {"$ref": "#/$defs/Node"}


def test_wt_045_inlining_has_a_budget() -> None:
    """References that double at every level do not grow without end."""
    definitions: dict[str, Any] = {"D0": {"type": "string", "description": "x" * 100}}
    for level in range(1, 40):
        below = {"$ref": f"#/definitions/D{level - 1}"}
        definitions[f"D{level}"] = {"type": "object", "properties": {"a": below, "b": below}}
    schema = input_schema({"properties": {"top": {"$ref": "#/definitions/D39"}}, "definitions": definitions})
    assert len(json.dumps(schema)) < 20_000
    assert schema["properties"]["top"] == {"$ref": "#/$defs/D39"}


@pytest.mark.parametrize("combiner", ["anyOf", "oneOf", "allOf"])
def test_wt_316_combiners_at_the_top_are_flattened(combiner: str) -> None:
    """The API refuses them there: the properties of all branches, required where all (or, of allOf, any) require."""
    branches = [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "k"]},
        {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b", "k"]},
    ]
    schema = input_schema({combiner: branches, "properties": {"k": {"type": "integer"}}})
    assert set(schema["properties"]) == {"a", "b", "k"}
    assert set(schema["required"]) == ({"a", "b", "k"} if combiner == "allOf" else {"k"})
    assert combiner not in schema
    assert schema["type"] == "object"
