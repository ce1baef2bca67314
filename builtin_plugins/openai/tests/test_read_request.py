"""What the server face makes of a client's request, and how it says what is wrong with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import (
    Audio,
    File,
    Image,
    Opaque,
    OutputFormat,
    Reasoning,
    Refusal,
    Source,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

USER = {"role": "user", "content": "hi"}


def test_every_canonical_field_is_read(wire: Wire) -> None:
    """Each documented field with a canonical word arrives under it, and leaves nothing in extra."""
    chat = wire.read(
        temperature=1,
        top_p=0.5,
        stop="END",
        seed=3,
        presence_penalty=0.1,
        frequency_penalty=-0.1,
        logit_bias={"5": -100},
        logprobs=True,
        top_logprobs=2,
        n=2,
        max_tokens=10,
        user="u",
        service_tier="flex",
        metadata={"a": "b"},
        parallel_tool_calls=False,
        stream=True,
        stream_options={"include_usage": True},
        reasoning_effort="low",
    )
    sampling = chat.sampling
    assert (sampling.temperature, sampling.top_p, sampling.stop, sampling.seed) == (1, 0.5, ("END",), 3)
    assert (sampling.presence_penalty, sampling.frequency_penalty, sampling.n) == (0.1, -0.1, 2)
    assert (sampling.logit_bias, sampling.logprobs, sampling.top_logprobs) == ({"5": -100}, True, 2)
    assert (sampling.max_tokens, chat.user, chat.service_tier, chat.metadata) == (10, "u", "flex", {"a": "b"})
    assert (chat.parallel_tool_calls, chat.stream, chat.include_usage) == (False, True, True)
    assert (chat.reasoning, chat.dialect) == (Reasoning(effort="low"), "openai.chat")
    assert chat.extra == {}


NATIVE = {
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text", "audio"],
    "moderation": {"model": "m"},
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "store": False,
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
    "vendor_field": [1, None, {"a": 2}],
}


@pytest.mark.parametrize("name", NATIVE)
def test_native_field_is_kept_by_its_name(wire: Wire, name: str) -> None:
    """A field without a canonical word stands in extra and goes back to where it came from."""
    chat = wire.read(**{name: NATIVE[name]})
    assert chat.extra == {name: NATIVE[name]}
    assert wire.write(chat)[name] == NATIVE[name]


def test_newer_limit_wins(wire: Wire) -> None:
    """max_completion_tokens wins over max_tokens, and a plugin's change goes out under the name the client used."""
    chat = wire.read(max_tokens=10, max_completion_tokens=20)
    assert chat.sampling.max_tokens == 20
    written = wire.write(chat, "any-model")
    assert (written.get("max_tokens"), written["max_completion_tokens"]) == (None, 20)
    assert wire.write(wire.read(max_tokens=10), "o3")["max_tokens"] == 10


def test_content_parts(wire: Wire) -> None:
    """Each kind of part becomes its block, with what is its own in extra; an unknown kind is carried whole."""
    point = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, **point},
        {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "high", "z": 1}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}, **point},
        {"type": "image_url", "image_url": {"url": "data:image/png;charset=x;base64,QUJD"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": "QUJD"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://x/v"}},
    ]
    (message,) = wire.read(messages=[{"role": "user", "content": parts}]).messages
    assert message.content == (
        Text("a", {"type": "ephemeral"}, point),
        Image(Source("url", "https://x/a.png"), "high", extra={"image_url": {"z": 1}}),
        Image(Source("base64", "QUJD", "image/png"), extra=point),
        Image(Source("url", "data:image/png;charset=x;base64,QUJD")),
        Audio(Source("base64", "QUJD"), "mp3"),
        File(Source("base64", "QUJD", "application/pdf"), "a.pdf"),
        File(Source("base64", "QUJD")),
        File(Source("file_id", "file-1")),
        Opaque("openai.chat", "video_url", parts[-1]),
    )
    assert wire.write(wire.read(messages=[{"role": "user", "content": parts}]))["messages"][0]["content"] == parts


def test_wt_006_roles(wire: Wire) -> None:
    """Developer stays developer; the older function calls become tool calls, paired by name with what answers them."""
    history = [
        {"role": "developer", "content": "d"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "2"},
    ]
    chat = wire.read(
        messages=history, functions=[{"name": "f", "parameters": {"type": "object"}}], function_call="auto"
    )
    assert [message.role for message in chat.messages] == ["developer", "assistant", "tool", "assistant", "tool"]
    calls = [block for message in chat.messages for block in message.content if isinstance(block, ToolCall)]
    results = [block for message in chat.messages for block in message.content if isinstance(block, ToolResult)]
    assert [call.id for call in calls] == [result.call_id for result in results]
    assert calls[0].id != calls[1].id
    assert chat.tools == (Tool("f", parameters={"type": "object"}),)
    assert chat.tool_choice is not None
    assert chat.extra == {}


def test_assistant_message(wire: Wire) -> None:
    """Text, refusal, sound and calls of both kinds; nulls that a client sends back say nothing."""
    message = {
        "role": "assistant",
        "content": "a",
        "refusal": "no",
        "audio": {"id": "audio_1"},
        "function_call": None,
        "annotations": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "index": 0},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free text"}},
        ],
    }
    (read,) = wire.read(messages=[message]).messages
    assert read.content == (
        Text("a"),
        Refusal("no"),
        Audio(Source("file_id", "audio_1")),
        ToolCall("c1", "f", "{}"),
        ToolCall("c2", "g", "free text", "custom"),
    )
    assert read.extra == {}


def test_cache_control_on_a_message_belongs_to_its_text(wire: Wire) -> None:
    """Clients whose content is a string set it on the message."""
    mark = {"type": "ephemeral"}
    (message,) = wire.read(messages=[{"role": "system", "content": "s", "cache_control": mark}]).messages
    assert message.content == (Text("s", mark),)


def test_response_formats(wire: Wire) -> None:
    """All three kinds, and one that only some server knows."""
    assert wire.read(response_format={"type": "text"}).output == OutputFormat("text")
    assert wire.read(response_format={"type": "json_object"}).output == OutputFormat("json_object")
    schema = {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True, "x": 1}
    output = wire.read(response_format={"type": "json_schema", "json_schema": schema}).output
    expected = OutputFormat("json_schema", {"type": "object"}, "n", "d", True, {"json_schema": {"x": 1}})
    assert output == expected
    odd = {"type": "grammar", "grammar": "g"}
    chat = wire.read(response_format=odd)
    assert (chat.output, chat.extra, wire.write(chat)["response_format"]) == (None, {"response_format": odd}, odd)


def test_wt_037_effort_as_word_and_object(wire: Wire) -> None:
    """The effort is read in both forms; none switches thinking off."""
    assert wire.read(reasoning_effort="xhigh").reasoning == Reasoning(effort="xhigh")
    assert wire.read(reasoning_effort="none").reasoning == Reasoning("disabled", "none")
    both = {"effort": "low", "summary": "auto"}
    chat = wire.read(reasoning_effort=both)
    assert chat.reasoning == Reasoning(effort="low", extra={"summary": "auto"})
    assert wire.write(chat)["reasoning_effort"] == both


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [USER, {"content": "x"}]}, "messages[1].role"),
        ({"messages": [USER, {"role": "robot", "content": "x"}]}, "messages[1].role"),
        ({"messages": [USER, USER, {"role": "user", "content": 7}]}, "messages[2].content"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "https://x"}]}]},
            "messages[0].content[0].image_url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].file.file_id",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]}]},
            "messages[0].tool_calls[0].id",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {}}}]}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"temperature": "hot"}, "temperature"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"stop": [1]}, "stop"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x"}}}, "tool_choice.allowed_tools.mode"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"store": "yes"}, "store"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"metadata": "x"}, "metadata"),
    ],
)  # fmt: skip
def test_wrong_type_is_named_by_its_path(wire: Wire, fields: dict[str, Any], param: str) -> None:
    """A 400 names the field as the client would write it."""
    with pytest.raises(InvalidRequest) as caught:
        wire.read(**fields)
    assert caught.value.param == param
    assert param in caught.value.message


def test_error_quotes_little(wire: Wire) -> None:
    """What a client sent is quoted short and escaped."""
    with pytest.raises(InvalidRequest) as caught:
        wire.read(messages=[{"role": "é\n" * 500, "content": ""}])
    assert len(caught.value.message) < 300
    assert caught.value.message.isascii()
