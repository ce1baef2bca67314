"""Places where a client or a provider may have written anything: what is not of the expected shape is simply not there."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmgate_anthropic import AnthropicMessages, errors
from llmgate_anthropic.forward import forward
from llmgate_anthropic.headers import needed_betas
from llmgate_anthropic.schemas import constrained, input_schema
from llmgate_anthropic.usage import merge_usage, read_usage, write_usage
from llmgate_anthropic.write_blocks import BlockWriter
from llmgate_core import Losses
from llmgate_core.errors import InvalidRequest
from llmgate_core.jsonfields import split_fields
from llmgate_core.messages import File, Source
from llmgate_core.renames import Renames
from llmgate_core.request import Request

FILES = "files-api-2025-04-14"
OFTEN = settings(max_examples=300, deadline=None)


def anything(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON value, in which these words are often names or texts."""
    text = st.sampled_from(words) | st.text(max_size=3)
    plain = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(-9, 9) | text
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=4), max_leaves=12
    )


def objects(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON object, made of the same."""
    return st.dictionaries(st.sampled_from(words) | st.text(max_size=3), anything(*words), max_size=5)


SCHEMAS = objects(
    *("type", "object", "properties", "required", "anyOf", "oneOf", "allOf", "$defs", "definitions", "items", "enum"),
    *("$ref", "#", "#/$defs/a", "#/definitions/a", "a", "description", "format", "additionalProperties", "minItems"),
)


@OFTEN
@given(st.lists(anything("source", "type", "file", "content", "file_id")), objects("task_budget", "speed"))
@example([{"content": [None]}], {})
@example([{"type": "file", "source": "file"}, {"content": [[{"source": {"type": "file"}}]]}], {})
def test_blocks_that_are_none_need_no_flag(blocks: list[Any], config: Any) -> None:
    """Whatever stands in a block, the flags are found; a file beside it still brings its own."""
    body = {"messages": [{"role": "user", "content": blocks}], "output_config": config, "speed": config}
    flags = needed_betas(body)
    assert ("task-budgets-2026-03-13" in flags) == ("task_budget" in config)
    file = {"type": "document", "source": {"type": "file", "file_id": "f"}}
    for content in ([*blocks, file], [*blocks, {"type": "tool_result", "content": [None, *blocks, file]}]):
        assert FILES in needed_betas({**body, "messages": [{"role": "user", "content": content}]})


@pytest.mark.parametrize("config", [None, "task_budget", ["task_budget"], 5])
def test_config_that_is_no_object_has_no_budget(config: Any) -> None:
    """A config of another type asks for nothing."""
    assert needed_betas({"messages": [], "output_config": config}) == []


def test_odd_block_is_written_as_it_came(read: Callable[..., Any], write: Callable[..., Any]) -> None:
    """A block of a kind that is not known goes on as it came, with a null in it."""
    messages = [{"role": "user", "content": [{"type": "newer_result", "content": [None, {"source": None}]}]}]
    assert write(read({"messages": messages}), judged=False).body["messages"] == messages


@OFTEN
@given(SCHEMAS)
@example({"anyOf": 5})
@example({"allOf": [{"properties": 5, "required": "a"}], "properties": "x", "required": 1})
@example({"definitions": {"a": {"$ref": "#/definitions/a"}}, "$ref": "#/definitions/a", "$defs": "x"})
def test_any_schema_becomes_an_object(schema: Any) -> None:
    """A tool's schema is an object schema without a combiner at its top, whatever it was."""
    before = msgspec.json.encode(schema)
    made = input_schema(schema)
    assert made["type"] == "object"
    assert not {"anyOf", "oneOf", "allOf"} & made.keys()
    assert msgspec.json.encode(schema) == before


@OFTEN
@given(SCHEMAS)
def test_any_schema_is_constrained_or_refused(schema: Any) -> None:
    """A schema for constrained output can be written as JSON, or its client hears where it stands."""
    try:
        made = constrained(schema, "response_format")
    except InvalidRequest as error:
        assert error.param == "response_format"  # noqa: PT017  # either outcome is right
        return
    assert msgspec.json.decode(msgspec.json.encode(made)) == made


@OFTEN
@given(st.text(max_size=9) | st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode()))
@example("é")
def test_any_file_of_text_is_read_or_reported(data: str) -> None:
    """A file that is said to be text, and is not, is a loss."""
    losses = Losses()
    writer = BlockWriter(Renames(), Renames(), losses, own=False)
    written = writer.block(File(Source("base64", data, "text/plain"), "a.txt"), "messages[0]")
    assert losses.fields == (("messages[0]",) if written is None else ())


@OFTEN
@given(anything("error", "type", "message", "details", "error_code", "code", "invalid_request_error"))
def test_any_error_is_told(body: Any) -> None:
    """A provider's error of any shape has a message, before a stream and inside it."""
    assert errors.read_error(418, msgspec.json.encode(body)).message
    inside = errors.stream_error({"type": "error", "error": body})
    assert inside.message
    assert 400 <= inside.status < 600


@OFTEN
@given(st.lists(objects("input_tokens", "output_tokens", "iterations", "cache_creation", "ephemeral_5m_input_tokens")))
def test_any_usage_is_counts(told: list[Any]) -> None:
    """Counts come out as counts, whatever a provider says and says again."""
    known: dict[str, Any] = {}
    for news in told:
        merge_usage(known, news)
    written = write_usage(read_usage(known))
    assert min(written["input_tokens"], written["output_tokens"]) >= 0


@OFTEN
@given(anything("role", "content", "type", "thinking", "signature", "", "llmgate:x:y"))
def test_any_messages_are_passed_through(messages: Any) -> None:
    """The way for requests of this dialect itself takes whatever stands in the messages."""
    dialect = AnthropicMessages()
    fields = split_fields(msgspec.json.encode({"model": "m", "messages": messages, "signature": ""}))
    wire = forward(Request(dialect, "chat", fields, model="m", stream=False), "n")
    assert msgspec.json.decode(wire.body)["model"] == "n"
