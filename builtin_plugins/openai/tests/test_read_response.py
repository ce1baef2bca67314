"""A provider's whole answers, ordinary and odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatResponse, Image, RedactedThinking, Refusal, Text, Thinking, Tool, ToolCall
from llmgate_core.upstream_errors import UpstreamBadResponse, UpstreamRejected
from llmgate_core.wirevalues import WireRequest

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire


def body_of(message: Any, finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """An answer with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **fields}


def read(wire: Wire, body: Any, memo: Any = None) -> ChatResponse:
    """The canonical answer."""
    return wire.dialect.read_response(msgspec.json.encode(body), WireRequest(b"", memo=memo))


def blocks(wire: Wire, message: Any, finish: str = "stop") -> tuple[Any, ...]:
    """The blocks of the only choice."""
    return read(wire, body_of(message, finish)).choices[0].message.content


def test_blocks_in_order(wire: Wire) -> None:
    """Thinking, text, refusal, pictures and calls, in that order."""
    picture = {"type": "image_url", "image_url": {"url": "https://x"}}
    message = {
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        "content": "a",
        "refusal": "no",
        "images": [picture],
        "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
        ],
        "reasoning_content": "hm",
    }
    found = blocks(wire, message)
    assert [type(block) for block in found] == [Thinking, RedactedThinking, Text, Refusal, Image, ToolCall]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_wt_296_both_names_of_reasoning(wire: Wire, field: str) -> None:
    """Compatible servers use either name; the text is taken once."""
    assert blocks(wire, {"content": "a", field: "hm"}) == (Thinking("hm"), Text("a"))
    assert blocks(wire, {"content": "a", "reasoning": "hm", "reasoning_content": "hm"})[0] == Thinking("hm")


@pytest.mark.parametrize(
    ("native", "reason"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("eos", "stop"), ("error", "error")],
)
def test_finish_reasons(wire: Wire, native: str, reason: str) -> None:
    """Each word is understood, and kept."""
    (choice,) = read(wire, body_of({"content": "a"}, native)).choices
    assert (choice.finish_reason, choice.native_finish) == (reason, native)


def test_wt_108_calls_outweigh_the_word(wire: Wire) -> None:
    """A forced call ends in "stop": it is still an answer that calls tools, and goes back under its own word."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    response = read(wire, body_of({"content": None, "tool_calls": [call]}, "stop"))
    assert response.choices[0].finish_reason == "tool_calls"
    written = msgspec.json.decode(wire.dialect.write_response(response, wire.request()))
    assert written["choices"][0]["finish_reason"] == "stop"
    summary = wire.dialect.summarise(msgspec.json.encode(body_of({"content": None, "tool_calls": [call]}, "stop")))
    assert summary.finish_reason == "tool_calls"


def test_wt_313_calls_of_careless_servers(wire: Wire) -> None:
    """Arguments as an object, ids and types left out: distinct ids are made, the same ones each time."""
    calls = [{"function": {"name": "f", "arguments": {"a": 1}}}, {"type": None, "function": {"name": "f"}}]
    first = blocks(wire, {"content": "", "tool_calls": calls}, "tool_calls")
    assert [call.arguments for call in first if isinstance(call, ToolCall)] == ['{"a":1}', ""]
    assert len({call.id for call in first if isinstance(call, ToolCall)}) == 2
    assert blocks(wire, {"content": "", "tool_calls": calls}, "tool_calls") == first


def test_wt_090_names_are_restored(wire: Wire) -> None:
    """The model answers with the name it was shown; the client gets its own back."""
    sent = wire.dialect.write_request(wire.foreign(tools=(Tool("files/read.all"),)), "m", Losses())
    shown = msgspec.json.decode(sent.body)["tools"][0]["function"]["name"]
    assert shown != "files/read.all"
    message = {"tool_calls": [{"id": "c", "type": "function", "function": {"name": shown, "arguments": "{}"}}]}
    response = wire.dialect.read_response(msgspec.json.encode(body_of(message)), sent)
    assert response.choices[0].message.content == (ToolCall("c", "files/read.all", "{}"),)


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'{"id":"x"}',
        b'{"id":"x","choices":[]}',
        b'{"id":"x","choices":{}}',
        b'{"id":"x","choices":[{"index":0}]}',
        b'{"id":"x","choices":[{"message":{"role":"assistant","content":"\xff"}}]}',
        b"[" * 100_000,
    ],
)
def test_no_answer_at_all(wire: Wire, body: bytes) -> None:
    """Whatever is no answer is told as the provider's fault, relayed or read."""
    with pytest.raises(UpstreamBadResponse):
        wire.dialect.summarise(body)
    with pytest.raises(UpstreamBadResponse):
        wire.dialect.read_response(body, WireRequest(b""))


def test_wt_295_error_inside_a_200(wire: Wire) -> None:
    """A 200 that holds an error is that error, with the status it means."""
    body = msgspec.json.encode({"error": {"message": "slow down", "type": "x", "code": 429}})
    with pytest.raises(UpstreamRejected) as caught:
        wire.dialect.summarise(body)
    assert (caught.value.status, caught.value.kind) == (429, "rate_limit")
    with pytest.raises(UpstreamRejected):
        wire.dialect.read_response(body, WireRequest(b""))


def test_summary(wire: Wire) -> None:
    """Usage, finish reason and model, and nothing else is looked at."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    summary = wire.dialect.summarise(msgspec.json.encode(body_of({"content": 7}, "length", usage=usage)))
    assert (summary.finish_reason, summary.model) == ("length", "m")
    assert summary.usage is not None
    assert (summary.usage.input_tokens, summary.usage.output_tokens) == (3, 2)


WORDS = st.text(max_size=6)
FUNCTION = st.fixed_dictionaries({"name": WORDS, "arguments": WORDS})
CALL = st.fixed_dictionaries(
    {"id": WORDS.filter(bool), "type": st.just("function"), "function": FUNCTION},
    optional={"vendor": st.integers(0, 9)},
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | WORDS, "refusal": st.none() | WORDS},
    optional={
        "tool_calls": st.lists(CALL, min_size=1, max_size=2),
        "annotations": st.lists(st.fixed_dictionaries({"type": st.just("url_citation")}), max_size=1),
        "audio": st.fixed_dictionaries(
            {"id": WORDS, "data": WORDS, "expires_at": st.integers(0, 9), "transcript": WORDS}
        ),
        "reasoning_content": WORDS.filter(bool),
        "provider_specific_fields": st.just({"a": 1}),
    },
)
CHOICES = st.lists(
    st.fixed_dictionaries(
        {
            "message": MESSAGE,
            "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "content_filter", "eos"]),
            "logprobs": st.none() | st.just({"content": [], "refusal": None}),
        },
        optional={"content_filter_results": st.just({"hate": {"filtered": False}})},
    ),
    min_size=1,
    max_size=2,
).map(lambda choices: [{"index": number, **choice} for number, choice in enumerate(choices)])
COUNT = st.integers(0, 1000)
PARTS: dict[str, Any] = {"prompt_tokens": COUNT, "completion_tokens": COUNT}
USAGE = st.fixed_dictionaries(
    PARTS,
    optional={
        "prompt_tokens_details": st.fixed_dictionaries({"image_tokens": COUNT}, optional={"audio_tokens": COUNT}),
        "completion_tokens_details": st.fixed_dictionaries({"reasoning_tokens": COUNT, "text_tokens": COUNT}),
        "cost": st.floats(0, 1),
    },
)


def summed(usage: Any) -> Any:
    """With the total that the two counts come to."""
    return {**usage, "total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choices=CHOICES,
    extra=st.fixed_dictionaries(
        {},
        optional={
            "usage": USAGE.map(summed),
            "service_tier": st.just("flex"),
            "system_fingerprint": WORDS,
            "vendor": st.just([1]),
        },
    ),
)
def test_every_field_of_an_answer_is_kept(
    wire: Wire, check_answer: Callable[[Any], Any], choices: list[Any], extra: dict[str, Any]
) -> None:
    """Read and written again, an answer holds every field it held (a null is as good as none)."""
    sent = {"id": "i", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **extra}
    usage = read(wire, sent).usage
    told = wire.dialect.summarise(msgspec.json.encode(sent)).usage
    assert (told and evolve(told, extra={})) == (usage and evolve(usage, extra={}))
    written = msgspec.json.decode(wire.dialect.write_response(read(wire, sent), wire.request()))
    assert without_nulls(written) == without_nulls(sent)


def without_nulls(value: Any) -> Any:
    """The same without fields that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value
