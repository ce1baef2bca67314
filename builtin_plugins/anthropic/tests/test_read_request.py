"""A client's request, read: what each field becomes, and which mistakes are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import (
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    RedactedThinking,
    Sampling,
    Source,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

OWN = "anthropic.messages"
USER = {"role": "user", "content": "hi"}


def with_block(block: Any, role: str = "user") -> dict[str, Any]:
    """A body whose third message has this block."""
    return {"messages": [USER, {"role": "assistant", "content": "a"}, {"role": role, "content": [block]}]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{"content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "tool", "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [USER, USER, {"role": "user", "content": 5}]}, "messages.2.content"),
        (with_block("hi"), "messages.2.content.0"),
        (with_block({"text": "hi"}), "messages.2.content.0.type"),
        (with_block({"type": "text"}), "messages.2.content.0.text"),
        (with_block({"type": "text", "text": 5}), "messages.2.content.0.text"),
        (with_block({"type": "text", "text": "a", "cache_control": "x"}), "messages.2.content.0.cache_control"),
        (with_block({"type": "image"}), "messages.2.content.0.source"),
        (with_block({"type": "image", "source": {"type": "url"}}), "messages.2.content.0.source.url"),
        (
            with_block({"type": "image", "source": {"type": "base64", "data": "x"}}),
            "messages.2.content.0.source.media_type",
        ),
        (with_block({"type": "tool_use", "id": "a", "name": "f", "input": "{}"}), "messages.2.content.0.input"),
        (with_block({"type": "tool_use", "id": 1, "name": "f", "input": {}}), "messages.2.content.0.id"),
        (with_block({"type": "tool_result"}), "messages.2.content.0.tool_use_id"),
        (with_block({"type": "tool_result", "tool_use_id": "a", "is_error": 1}), "messages.2.content.0.is_error"),
        (with_block({"type": "tool_result", "tool_use_id": "a", "content": 1}), "messages.2.content.0.content"),
        (with_block({"type": "tool_result", "tool_use_id": "a", "content": [1]}), "messages.2.content.0.content.0"),
        (with_block({"type": "thinking", "signature": "s"}), "messages.2.content.0.thinking"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "text"}]}, "system.0.text"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_k": 0.5}, "top_k"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"stop_sequences": ["a", 5]}, "stop_sequences.1"),
        ({"stream": "yes"}, "stream"),
        ({"model": 5}, "model"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": True}, "thinking"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_config": {"effort": 3}}, "output_config.effort"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
        ({"service_tier": 1}, "service_tier"),
    ],
)
def test_a_wrong_type_is_named_by_its_path(read: Callable[..., Any], body: dict[str, Any], param: str) -> None:
    """A 400 that a program can read, and a person."""
    with pytest.raises(InvalidRequest) as caught:
        read(body)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert param in caught.value.message


def test_tokens_are_counted_without_a_limit(read: Callable[..., Any]) -> None:
    """``max_tokens`` belongs to an answer."""
    assert read({"max_tokens": None}, "count_tokens").sampling.max_tokens is None


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "text", "text": "a", "citations": []}, Text("a", extra={"citations": []})),
        ({"type": "image", "source": {"type": "url", "url": "u"}}, Image(Source("url", "u"))),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, Image(Source("file_id", "f"))),
        (
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "x"},
                "transformations": {},
            },
            Image(Source("base64", "x", "image/png"), extra={"transformations": {}}),
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "t"},
            File(Source("text", "x", "text/plain"), "t"),
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "u"}, "citations": {"enabled": True}},
            File(Source("url", "u"), extra={"citations": {"enabled": True}}),
        ),
        (
            {"type": "tool_use", "id": "a", "name": "f", "input": {"q": 1}, "caller": {"type": "direct"}},
            ToolCall("a", "f", '{"q":1}', extra={"caller": {"type": "direct"}}),
        ),
        (
            {"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": "no"},
            ToolResult("a", (Text("no"),), True),
        ),
        ({"type": "thinking", "thinking": "", "signature": "s"}, Thinking("", "s", OWN)),
        ({"type": "thinking", "thinking": "x", "signature": "llmgate:x.y:s"}, Thinking("x", "s", "x.y")),
        ({"type": "redacted_thinking", "data": "d"}, RedactedThinking("d", OWN)),
    ],
)
def test_blocks(read: Callable[..., Any], block: dict[str, Any], expected: Any) -> None:
    """Each kind has its word; what has none stays in ``extra``."""
    assert read(with_block(block)).messages[2].content == (expected,)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
        {"type": "container_upload", "file_id": "f"},
        {"type": "document", "source": {"type": "content", "content": "x"}},
        {"type": "image", "source": {"type": "brand_new"}},
        {"type": "brand_new", "x": None},
    ],
)
def test_what_only_this_dialect_has_stays_whole(read: Callable[..., Any], block: dict[str, Any]) -> None:
    """Another dialect cannot mistake it for something else."""
    assert read(with_block(block)).messages[2].content == (Opaque(OWN, block["type"], block),)


def test_wt_091_a_custom_tool_keeps_the_type_of_its_parameters(read: Callable[..., Any]) -> None:
    """``type: custom`` is the tool's, not its schema's."""
    schema = {"type": "object", "properties": {}}
    tool = {"type": "custom", "name": "f", "description": "d", "input_schema": schema, "strict": True}
    assert read({"tools": [tool]}).tools == (Tool("f", "d", schema, True),)


def test_wt_094_tool_references_stay_within_the_result(read: Callable[..., Any]) -> None:
    """The result is there for its call, and what only this dialect understands is marked as such."""
    reference = {"type": "tool_reference", "tool_name": "f"}
    (result,) = (
        read(with_block({"type": "tool_result", "tool_use_id": "a", "content": [reference]})).messages[2].content
    )
    assert result == ToolResult("a", (Opaque(OWN, "tool_reference", reference),))


def test_wt_099_the_vendor_s_tools_keep_their_kind(read: Callable[..., Any]) -> None:
    """So that another dialect can map or refuse them; some have no name."""
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
    toolset = {"type": "mcp_toolset", "mcp_server_name": "x"}
    assert read({"tools": [search, toolset]}).tools == (
        Tool("web_search", kind="web_search_20250305", extra=search),
        Tool("mcp_toolset", kind="mcp_toolset", extra=toolset),
    )


def test_fields(read: Callable[..., Any]) -> None:
    """All that this form has words for, in one request."""
    chat = read(
        {
            "system": "s",
            "temperature": 0.5,
            "top_p": 1,
            "top_k": 3,
            "stop_sequences": ["a"],
            "metadata": {"user_id": "u"},
            "service_tier": "standard_only",
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
            "output_config": {
                "effort": "low",
                "format": {"type": "json_schema", "schema": {}},
                "task_budget": {"n": 1},
            },
            "inference_geo": "us",
            "container": None,
            "stream": True,
        }
    )
    assert chat.messages[0] == Message("system", (Text("s"),))
    assert chat.sampling == Sampling(100, 0.5, 1, 3, ("a",))
    assert (chat.user, chat.service_tier, chat.stream, chat.dialect) == ("u", "standard_only", True, OWN)
    assert (chat.tool_choice, chat.parallel_tool_calls) == (ToolChoice("required"), False)
    assert chat.reasoning == Reasoning("enabled", "low", 2000, {"display": "omitted"})
    assert chat.output == OutputFormat("json_schema", {})
    assert chat.extra == {"inference_geo": "us", "output_config": {"task_budget": {"n": 1}}}


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"type": "disabled"}, Reasoning("disabled")),
        ({"type": "adaptive"}, Reasoning("adaptive")),
        ({"type": "between_tools"}, Reasoning("disabled", extra={"type": "between_tools"})),
        ({"type": "brand_new", "x": 1}, Reasoning(None, extra={"type": "brand_new", "x": 1})),
    ],
)
def test_kinds_of_thinking(read: Callable[..., Any], thinking: dict[str, Any], expected: Reasoning) -> None:
    """Also one that came after this was written."""
    assert read({"thinking": thinking}).reasoning == expected
