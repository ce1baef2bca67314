"""Translation cases: a whole answer, read from a provider and written to a client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from llmgate_anthropic import AnthropicMessages
from llmgate_anthropic.usage import read_usage, write_usage
from llmgate_core.errors import GatewayError
from llmgate_core.messages import (
    ChatResponse,
    Choice,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.upstream_errors import UpstreamBadResponse, UpstreamRejected
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import WireRequest

CITATION = {
    "type": "char_location",
    "cited_text": "x",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 1,
}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
BODY: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "zz"},
        {"type": "text", "text": "a", "citations": [CITATION]},
        {"type": "text", "text": "b"},
        SEARCH,
        {"type": "tool_use", "id": "t", "name": "f", "input": {"q": 1}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "container": {"id": "c", "expires_at": "2026-01-01T00:00:00Z"},
    "usage": {
        "input_tokens": 10,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 6,
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 5},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
        "service_tier": "standard",
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
    },
}


def read(dialect: AnthropicMessages, body: Any) -> ChatResponse:
    """A provider's answer → canonical."""
    return dialect.read_response(json.dumps(body).encode(), WireRequest(b""))


@pytest.fixture
def answered(dialect: AnthropicMessages, judge_answer: Callable[[Any], None]) -> Callable[..., dict[str, Any]]:
    """Canonical → the client's body, judged by the SDK's Message."""

    def run(response: ChatResponse) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(dialect.write_response(response, None))  # type: ignore[arg-type]  # not looked at
        judge_answer(body)
        return body

    return run


def ended(reason: Any, *blocks: Any, **fields: Any) -> ChatResponse:
    """Another dialect's answer."""
    choice = Choice(Message("assistant", blocks), reason, **fields)
    return ChatResponse("1", "m", (choice,), Usage(5, 2), dialect="openai.chat")


def test_wt_060_wt_062_blocks_come_in_order(dialect: AnthropicMessages) -> None:
    """Every block with what it carries; citations stay on their text."""
    response = read(dialect, BODY)
    assert response.choices[0].message.content == (
        Thinking("hm", "sig==", "anthropic.messages"),
        RedactedThinking("zz", "anthropic.messages"),
        Text("a", extra={"citations": [CITATION]}),
        Text("b"),
        Opaque("anthropic.messages", "server_tool_use", SEARCH),
        ToolCall("t", "f", '{"q":1}'),
    )
    assert (response.id, response.model, response.service_tier) == ("msg_1", "claude-x", "standard")


def test_an_answer_of_this_dialect_comes_out_as_it_went_in(
    dialect: AnthropicMessages, answered: Callable[..., dict[str, Any]]
) -> None:
    """decode∘encode keeps every field."""
    assert answered(read(dialect, BODY)) == BODY


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_wt_003_stop_reasons_are_mapped_and_kept(dialect: AnthropicMessages, native: str, reason: str) -> None:
    """The native word is never lost."""
    choice = read(dialect, {**BODY, "stop_reason": native}).choices[0]
    assert (choice.finish_reason, choice.native_finish) == (reason, native)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (ended("stop", Text("a")), ("end_turn", None)),
        (ended("stop", Text("a"), stop_sequence="END"), ("stop_sequence", "END")),
        (ended("length", Text("a")), ("max_tokens", None)),
        (ended("tool_calls", ToolCall("1", "f", "{}")), ("tool_use", None)),
        (ended("content_filter", Text("a")), ("refusal", None)),
        (ended("stop", ToolCall("1", "f", "{}")), ("tool_use", None)),
        (ended("stop", Refusal("no")), ("refusal", None)),
    ],
)
def test_wt_004_wt_108_wt_116_reasons_of_others(
    answered: Callable[..., dict[str, Any]], response: ChatResponse, expected: tuple[str, str | None]
) -> None:
    """Each finds its word; calls and refusals tell themselves."""
    body = answered(response)
    assert (body["stop_reason"], body["stop_sequence"]) == expected


def test_wt_005_usage_without_and_with_the_cache() -> None:
    """The wire's input excludes the cache, ours includes it; never negative."""
    usage = read_usage(BODY["usage"])
    assert usage is not None
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (20, 4, 6)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.reasoning_tokens) == (1, 5, 3)
    assert write_usage(usage, own=True) == BODY["usage"]
    assert write_usage(Usage(input_tokens=3, cache_read_tokens=5))["input_tokens"] == 0


def test_wt_066_iterations_are_summed_and_nulls_are_nothing() -> None:
    """Compaction is billed but not in the top-level fields; what came in goes out."""
    native = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": None,
        "iterations": [
            {"type": "compaction", "input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 1},
            {"type": "message", "input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 0},
        ],
    }
    usage = read_usage(native)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (111, 25, 1)
    written = write_usage(usage)
    assert (written["input_tokens"], written["output_tokens"]) == (10, 5)
    assert written["iterations"] == native["iterations"]
    assert read_usage({"input_tokens": 1, "output_tokens": 0, "cache_creation_input_tokens": None}) == Usage(1, 0)


@pytest.mark.parametrize("value", ["7", True, [], {}, float("1e30"), -5])
def test_wt_320_counts_that_are_none_are_not_believed(value: Any) -> None:
    """Nothing negative, nothing without end, no text; a zero that was said stays zero."""
    usage = read_usage({"input_tokens": 0, "output_tokens": value})
    assert usage is not None
    assert usage.input_tokens == 0
    assert usage.output_tokens is None or 0 <= usage.output_tokens <= 10**12
    assert read_usage(None) is None


def test_wt_320_an_estimate_says_so() -> None:
    """The client can tell it from the provider's count."""
    assert write_usage(Usage(1, 1, estimated=True))["estimated"] is True


def test_wt_067_the_matched_stop_sequence_is_kept(dialect: AnthropicMessages) -> None:
    """Both ways."""
    body = {**BODY, "stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert read(dialect, body).choices[0].stop_sequence == "END"


def test_an_answer_of_another_dialect(answered: Callable[..., dict[str, Any]]) -> None:
    """Ids that this API would refuse later are made safe; unsigned thinking has an empty signature; nothing is blank."""
    blocks = (Thinking("hm"), Text(""), Text("a"), ToolCall("f:0", "a.b", "{oops"))
    body = answered(ended("tool_calls", *blocks))
    assert body["content"][:2] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "a"},
    ]
    call = body["content"][2]
    assert ":" not in call["id"]
    assert (call["name"], call["input"]) == ("a.b", {"invalid_json": "{oops"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"id":1,"model":"m","content":[]}',
        b'{"id":"1","model":"m","content":[{"type":1}]}',
        b'{"id":"1","model":"\xd5","content":[]}',
    ],
)
def test_an_answer_of_another_shape_is_refused(dialect: AnthropicMessages, body: bytes) -> None:
    """A 502 that says what is wrong."""
    with pytest.raises(UpstreamBadResponse):
        dialect.read_response(body, WireRequest(b""))


def test_an_answer_nested_without_end_is_refused(dialect: AnthropicMessages) -> None:
    """Not with a crash."""
    block = '{"type":"tool_result","tool_use_id":"a","content":['
    deep = '{"id":"1","model":"m","content":[' + block * 400 + "]}" * 400 + "]}"
    with pytest.raises(UpstreamBadResponse):
        dialect.read_response(deep.encode(), WireRequest(b""))


def test_an_error_inside_a_200_is_an_error(dialect: AnthropicMessages) -> None:
    """With the status that its type has."""
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'
    for read_it in (lambda: dialect.read_response(body, WireRequest(b"")), lambda: dialect.summarise(body)):
        with pytest.raises(UpstreamRejected) as caught:
            read_it()
        assert (caught.value.upstream_status, caught.value.status) == (529, 503)


def test_summarise_reads_only_what_it_needs(dialect: AnthropicMessages) -> None:
    """Usage, reason and model; a token count has none of them."""
    summary = dialect.summarise(json.dumps(BODY).encode())
    assert (summary.model, summary.finish_reason) == ("claude-x", "tool_calls")
    assert summary.usage is not None
    assert summary.usage.input_tokens == 20
    assert dialect.summarise(b'{"input_tokens":5}').usage is None
    with pytest.raises(GatewayError):
        dialect.summarise(b'{"id":')
    with pytest.raises(UpstreamBadResponse):
        dialect.summarise(json.dumps(BODY).encode().replace(b"claude-x", b"claude-\xd5"))


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 1, "output_tokens": 2},
        {"input_tokens": -1, "output_tokens": 2},
        {"input_tokens": "1", "output_tokens": 2},
        {"input_tokens": 10**15, "output_tokens": 2},
        {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": -3},
        {"input_tokens": 1, "output_tokens": 2, "iterations": [{"input_tokens": 5, "output_tokens": 6}]},
        {"output_tokens": 2},
        None,
        "many",
    ],
)
def test_summarise_counts_as_the_whole_reading_does(dialect: AnthropicMessages, usage: Any) -> None:
    """However odd the numbers are, the quick way and the long way agree."""
    body = {**BODY, "usage": usage}
    quick, whole = dialect.summarise(json.dumps(body).encode()).usage, read(dialect, body).usage
    assert (quick and evolve(quick, extra={})) == (whole and evolve(whole, extra={}))
