"""Schemas of other dialects' tools, made acceptable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.dialect import Losses
from llmgate_core.messages import Tool
from llmgate_openai.schema import is_strict, tool_parameters, without_bad_patterns

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

A, B = {"type": "string"}, {"type": "integer"}


def parameters(schema: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters that are written, and what was lost."""
    losses = Losses()
    return tool_parameters(schema, "tools[0]", losses), losses.fields


@pytest.mark.parametrize("schema", [None, {}, {"type": None}])
def test_missing_schema_is_an_empty_object(schema: Any) -> None:
    """A function without parameters takes an empty object."""
    assert parameters(schema) == ({"type": "object", "properties": {}}, ())


@pytest.mark.parametrize(("word", "required"), [("anyOf", ["c"]), ("oneOf", ["c"]), ("allOf", ["c", "a", "b"])])
def test_wt_316_combinations_at_the_top_are_folded(word: str, required: list[str]) -> None:
    """One object with all the properties, of which those are required that each way of calling requires."""
    branches = [
        {"properties": {"a": A, "c": A}, "required": ["a", "c"]},
        {"properties": {"b": B, "c": B}, "required": ["b", "c"]},
    ]
    folded, lost = parameters({"type": "object", word: branches})
    assert lost == ()
    assert folded["properties"] == {"a": A, "b": B, "c": {"anyOf": [A, B]}}
    assert sorted(folded["required"]) == sorted(required)
    assert word not in folded


def test_wt_316_what_cannot_be_folded_is_told() -> None:
    """An enum or a negation at the top is a loss with its path."""
    folded, lost = parameters({"type": "object", "not": {}, "enum": [1]})
    assert lost == ("tools[0].enum", "tools[0].not")
    assert folded == {"type": "object", "properties": {}}


def test_wt_316_patterns_that_do_not_compile() -> None:
    """They are dropped wherever they stand; a property of that name stays."""
    schema = {"properties": {"pattern": {"type": "string", "pattern": "(["}, "b": {"items": [{"pattern": "^a$"}]}}}
    assert without_bad_patterns(schema) == {
        "properties": {"pattern": {"type": "string"}, "b": {"items": [{"pattern": "^a$"}]}}
    }


def test_wt_316_own_tools_are_the_clients_business(wire: Wire) -> None:
    """A request of this very dialect keeps its schemas, whatever the API thinks of them."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"anyOf": [{"pattern": "(["}]}}}
    assert wire.write(wire.read(tools=[tool]))["tools"] == [tool]
    (written,) = wire.write(wire.foreign(tools=(Tool("f", parameters={"anyOf": [A]}),)))["tools"]
    assert written["function"]["parameters"] == {"type": "object", "properties": {}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "required", "anyOf", "allOf", "items", "pattern", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "anyOf", "oneOf", "allOf", "not"]), JSON))
def test_any_schema_is_borne(schema: dict[str, Any]) -> None:
    """Whatever a client calls a schema, something acceptable is written, and the same each time."""
    first, again = parameters(schema), parameters(schema)
    assert first == again
    assert not {"anyOf", "oneOf", "allOf", "not", "enum"} & set(first[0])
    assert is_strict(schema) in (True, False)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": A}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": A}, "additionalProperties": False}, False),
        ({"type": "object", "properties": {}}, False),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, False),
        ({"type": "string", "enum": ["object"]}, True),
    ],
)
def test_strictness(schema: Any, strict: bool) -> None:
    """A schema may be sent as strict only when each of its objects is closed and complete."""
    assert is_strict(schema) is strict
