"""Places where a client or a provider may have written anything: what is not of the expected shape is simply not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmgate_core import Losses
from llmgate_core.errors import InvalidRequest
from llmgate_core.upstream_errors import UpstreamError
from llmgate_core.wirevalues import WireRequest
from llmgate_openai import ChatDialect, errors
from llmgate_openai.citations import link_up
from llmgate_openai.schema import is_strict, tool_parameters
from llmgate_openai.usage import read_usage, write_usage

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

OFTEN = settings(max_examples=300, deadline=None)


def anything(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON value, in which these words are often names or texts."""
    text = st.sampled_from(words) | st.text("ab0é", max_size=3)
    plain = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(-9, 9) | text
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=4), max_leaves=12
    )


def objects(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON object, made of the same."""
    return st.dictionaries(st.sampled_from(words) | st.text("ab0é", max_size=3), anything(*words), max_size=5)


@OFTEN
@given(
    objects(
        *("type", "object", "properties", "required", "anyOf", "oneOf", "allOf", "enum", "not", "pattern", "a"),
        "additionalProperties",
    )
)
@example({"anyOf": [{"properties": {"a": {"anyOf": 5}}}, {"properties": {"a": {}}}]})
@example({"allOf": 5, "properties": "x", "required": 1})
def test_any_schema_becomes_parameters(schema: Any) -> None:
    """A function's parameters have properties and no combiner at their top; the client's own schema is untouched."""
    before = msgspec.json.encode(schema)
    made = tool_parameters(schema, "tools[0]", Losses())
    assert "properties" in made
    assert not {"anyOf", "oneOf", "allOf", "enum", "not"} & made.keys()
    assert isinstance(is_strict(made), bool)
    assert msgspec.json.encode(schema) == before


@OFTEN
@given(st.lists(anything("url", "title", "https://x.test/a")))
def test_any_citations_are_linked_or_given(citations: list[Any]) -> None:
    """Each citation becomes a link with texts in it, or is given as it came."""
    links, others = link_up(citations, 0, 1)
    assert len(links) + len(others) == len(citations)
    for link in links:
        assert isinstance(link["url_citation"]["title"], str)


@OFTEN
@given(
    anything("error", "message", "type", "code", "param", "detail", "insufficient_quota"), st.sampled_from([400, 502])
)
def test_any_error_is_told(body: Any, status: int) -> None:
    """A provider's error of any shape has a message, before an answer and inside it."""
    assert errors.read_error(status, msgspec.json.encode(body)).message
    inside = errors.rejection_within(body)
    assert inside.message
    assert 400 <= inside.status < 600


@OFTEN
@given(objects("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens"))
def test_any_usage_is_counts(told: Any) -> None:
    """Counts come out as counts, whatever a provider says."""
    usage = read_usage(told)
    if usage is not None:
        assert all(write_usage(usage, own=own)["prompt_tokens"] >= 0 for own in (True, False))


ANSWERS = objects(
    *("id", "model", "choices", "message", "delta", "content", "tool_calls", "function", "name", "arguments", "index"),
    *("finish_reason", "thinking_blocks", "type", "text", "annotations", "audio", "images", "error", "usage", "stop"),
)


@OFTEN
@given(ANSWERS, ANSWERS)
def test_any_answer_is_read_or_the_providers_error(message: Any, choice: Any) -> None:
    """Whole or streamed, an answer of any shape gives values or an error that blames the provider."""
    dialect = ChatDialect()
    for name, chunk in (("message", {**choice, "message": message}), ("delta", {**choice, "delta": message})):
        body = msgspec.json.encode({"id": "i", "model": "m", "choices": [chunk]})
        try:
            if name == "message":
                dialect.read_response(body, WireRequest(b""))
            else:
                reader = dialect.event_reader(WireRequest(b""))
                assert [*reader.read(b"data: " + body + b"\n\n"), *reader.close()]
        except UpstreamError as error:
            assert error.status >= 400  # noqa: PT017  # either outcome is right


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens", "n", "top_logprobs"])
@pytest.mark.parametrize("more", [{}, {"response_format": {"type": "text"}}], ids=["usual", "any"])
def test_negative_count_is_refused(wire: Wire, field: str, more: Any) -> None:
    """A number of tokens or choices below zero is told to the client by the field's name."""
    with pytest.raises(InvalidRequest, match=f"^{field} must not be negative, and is -1$") as caught:
        wire.read(**{field: -1}, **more)
    assert caught.value.param == field
    assert wire.write(wire.read(**{field: 0}, **more))[field] == 0


def test_stray_field_beside_allowed_tools(wire: Wire) -> None:
    """A field that would be taken for the names of custom tools is refused by its name."""
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}
    with pytest.raises(InvalidRequest, match=r"^tool_choice\.custom "):
        wire.read(tool_choice={"type": "allowed_tools", "allowed_tools": allowed, "custom": 5})
