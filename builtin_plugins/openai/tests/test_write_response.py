"""Answers of any provider, as a client of this dialect gets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion

from llmgate_core.messages import (
    Audio,
    Block,
    ChatResponse,
    Choice,
    FinishReason,
    Image,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.usage import Usage

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

Check = Callable[[Any], ChatCompletion]


def answer(*blocks: Block, reason: FinishReason = "stop", **fields: Any) -> ChatResponse:
    """An answer of another dialect."""
    choice = Choice(Message("assistant", blocks), reason, native_finish=fields.pop("native", None))
    return ChatResponse("msg_1", "other-model", (choice,), dialect="other.dialect", **fields)


def write(wire: Wire, response: ChatResponse, **request: Any) -> dict[str, Any]:
    """The body as a dict."""
    body: dict[str, Any] = msgspec.json.decode(wire.dialect.write_response(response, wire.request(**request)))
    return body


def test_wt_060_texts_are_joined(wire: Wire, check_answer: Check) -> None:
    """Several blocks of text are one content, and links stand at their place in it."""
    link = {"type": "web_search_result_location", "url": "https://x", "title": "X", "cited_text": "…"}
    page = {"type": "char_location", "document_title": "D"}
    body = write(wire, answer(Text("ab"), Text("cde", extra={"citations": [link, page]})))
    message = check_answer(body).choices[0].message
    assert message.content == "abcde"
    assert message.annotations is not None
    (note,) = message.annotations
    assert (note.url_citation.start_index, note.url_citation.end_index, note.url_citation.url) == (2, 5, "https://x")
    assert body["choices"][0]["message"]["citations"] == [page]


def test_wt_062_text_and_tools(wire: Wire, check_answer: Check) -> None:
    """Text and calls stand side by side; content is null only when there is no text."""
    call = ToolCall("c1", "f", '{"a":1}')
    both = check_answer(write(wire, answer(Text("a"), call, reason="tool_calls"))).choices[0]
    assert (both.message.content, both.finish_reason) == ("a", "tool_calls")
    alone = check_answer(write(wire, answer(call, ToolCall("c2", "g", "")))).choices[0]
    assert (alone.message.content, alone.finish_reason) == (None, "tool_calls")
    assert alone.message.tool_calls is not None
    assert [c.function.arguments for c in alone.message.tool_calls if c.type == "function"] == ['{"a":1}', "{}"]


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("error", "stop"),
    ],
)
def test_wt_003_finish_reasons(wire: Wire, check_answer: Check, reason: FinishReason, written: str) -> None:
    """Each reason has its word, and the provider's own is told in an extension field."""
    body = write(wire, answer(Text("a"), reason=reason, native="native_word"))
    assert check_answer(body).choices[0].finish_reason == written
    assert body["choices"][0]["native_finish_reason"] == "native_word"


def test_wt_067_matched_stop_sequence(wire: Wire) -> None:
    """What matched is told in an extension field, which an ordinary answer has not."""
    choice = Choice(Message("assistant", (Text("a"),)), "stop", stop_sequence="END")
    body = write(wire, ChatResponse("i", "m", (choice,)))
    assert body["choices"][0]["stop_sequence"] == "END"
    plain = write(wire, answer(Text("a")))["choices"][0]
    assert not {"stop_sequence", "native_finish_reason"} & set(plain)


def test_wt_005_usage(wire: Wire, check_answer: Check) -> None:
    """Cached tokens are part of the prompt; what nobody counted is not told."""
    usage = Usage(100, 20, cache_read_tokens=60, cache_write_tokens=10, reasoning_tokens=5, extra={"iterations": []})
    told = check_answer(write(wire, answer(Text("a"), usage=usage))).usage
    assert told is not None
    assert (told.prompt_tokens, told.completion_tokens, told.total_tokens) == (100, 20, 120)
    assert told.prompt_tokens_details is not None
    assert (told.prompt_tokens_details.cached_tokens, told.prompt_tokens_details.cache_write_tokens) == (60, 10)
    assert told.completion_tokens_details is not None
    assert told.completion_tokens_details.reasoning_tokens == 5
    assert "usage" not in write(wire, answer(Text("a")))


def test_wt_320_estimates_are_marked(wire: Wire) -> None:
    """Counts that are not the provider's say so."""
    assert write(wire, answer(Text("a"), usage=Usage(1, 2, estimated=True)))["usage"]["estimated"] is True
    assert write(wire, answer(Text("a"), usage=Usage(0, 0)))["usage"]["total_tokens"] == 0


def test_thinking_can_be_replayed(wire: Wire, check_answer: Check) -> None:
    """A client that sends the message back returns signed and redacted thinking byte for byte."""
    blocks = (Thinking("hm", "c2ln", "other.dialect"), RedactedThinking("ZGF0YQ==", "other.dialect"), Text("yes"))
    body = write(wire, answer(*blocks))
    check_answer(body)
    message = body["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    assert wire.read(messages=[{"role": "user", "content": "?"}, message]).messages[1].content == blocks


def test_unsigned_thinking_is_plain(wire: Wire) -> None:
    """Without a signature there is nothing to keep but the text."""
    message = write(wire, answer(Thinking("hm"), Text("yes")))["choices"][0]["message"]
    assert (message["reasoning_content"], "thinking_blocks" in message) == ("hm", False)


def test_refusal_sound_and_pictures(wire: Wire, check_answer: Check) -> None:
    """Each has its own field."""
    audio = Audio(Source("base64", "QUJD"), "wav")
    body = write(wire, answer(Refusal("no"), audio, Image(Source("base64", "QUJD", "image/png"))))
    message = check_answer(body).choices[0].message
    assert (message.refusal, message.content) == ("no", None)
    assert message.audio is not None
    assert message.audio.data == "QUJD"
    assert body["choices"][0]["message"]["images"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    ]


def test_blocks_of_another_provider_are_left_out(wire: Wire, check_answer: Check) -> None:
    """Server tools and foreign extras are nothing a client of this format could read."""
    body = write(
        wire, answer(Opaque("other.dialect", "server_tool_use", {"x": 1}), Text("a"), extra={"container": "c"})
    )
    assert check_answer(body).choices[0].message.content == "a"
    assert b"server_tool_use" not in msgspec.json.encode(body)
    assert "container" not in body


def test_older_clients_get_a_function_call(wire: Wire, check_answer: Check) -> None:
    """Who asked with ``functions`` is answered with ``function_call``."""
    body = write(wire, answer(ToolCall("c1", "f", "{}"), reason="tool_calls"), functions=[{"name": "f"}])
    choice = check_answer(body).choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    assert choice.message.function_call.name == "f"
    assert choice.message.tool_calls is None


def test_several_choices_and_missing_head(wire: Wire, check_answer: Check) -> None:
    """Choices keep their numbers; an answer without an id or model gets one."""
    choices = tuple(Choice(Message("assistant", (Text(str(n)),)), "stop", n) for n in range(2))
    body = check_answer(write(wire, ChatResponse("", "", choices), model="asked-for"))
    assert [(choice.index, choice.message.content) for choice in body.choices] == [(0, "0"), (1, "1")]
    assert body.id.startswith("chatcmpl-")
    assert body.model == "asked-for"
