"""Requests passed through: bytes, headers, and the one thing that must be mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from llmgate_anthropic import AnthropicMessages
from llmgate_anthropic.headers import merged_betas
from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatRequest, Message, Text

BODY = b'{ "model": "a", "max_tokens":5,  "messages": [{"role":"user","content":"hi"}], "brand_new": {"x": 1.50} }'


def test_wt_290_bytes_stay_as_they_came(dialect: AnthropicMessages, request_of: Callable[..., Any]) -> None:
    """Also fields that no one knows, and their white space."""
    assert dialect.forward(request_of(BODY), "a").body == BODY


def test_only_the_model_is_changed(dialect: AnthropicMessages, request_of: Callable[..., Any]) -> None:
    """Every other field keeps its bytes."""
    body = dialect.forward(request_of(BODY), "claude-x").body
    assert json.loads(body) == {**json.loads(BODY), "model": "claude-x"}
    assert b'{"x": 1.50}' in body


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, {"anthropic-version": "2023-06-01"}),
        ({"anthropic_version": "2026-10-21"}, {"anthropic-version": "2026-10-21"}),
        ({"anthropic_beta": "a,b"}, {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b"}),
        ({"x_other": "1", "authorization": "Bearer x"}, {"anthropic-version": "2023-06-01"}),
    ],
)
def test_wt_052_the_client_s_version_and_betas_go_along(
    dialect: AnthropicMessages, request_of: Callable[..., Any], headers: dict[str, str], expected: dict[str, str]
) -> None:
    """And nothing else of its headers."""
    assert dialect.forward(request_of(BODY, **headers), "a").headers == expected


def test_wt_052_betas_are_merged_without_duplicates() -> None:
    """In the order they came."""
    assert merged_betas("a, b", "b,c", "") == "a,b,c"


@pytest.mark.parametrize(
    ("extra", "beta"),
    [
        ({"mcp_servers": [{"type": "url"}]}, "mcp-client-2025-11-20"),
        ({"context_management": {"edits": []}}, "context-management-2025-06-27"),
        ({"speed": "fast"}, "fast-mode-2026-02-01"),
        ({"speed": "standard"}, None),
        ({"output_config": {"task_budget": {}}}, "task-budgets-2026-03-13"),
    ],
)
def test_wt_052_fields_in_beta_bring_their_flag(dialect: AnthropicMessages, extra: Any, beta: str | None) -> None:
    """A request that was changed on the way is written with the flags it needs."""
    chat = ChatRequest("m", (Message("user", (Text("u"),)),), dialect="anthropic.messages", extra=extra)
    assert dialect.write_request(chat, "claude-opus-5", Losses()).headers.get("anthropic-beta") == beta


def test_wt_052_a_request_that_was_changed_keeps_the_client_s_headers(
    dialect: AnthropicMessages, request_of: Callable[..., Any]
) -> None:
    """A guardrail may write the messages anew: version and flags are the client's, joined by what the body needs."""
    body = json.dumps({**json.loads(BODY), "speed": "fast"}).encode()
    request = request_of(body, anthropic_version="2026-10-21", anthropic_beta="a,fast-mode-2026-02-01")
    changed = evolve(request.canonical, messages=(Message("user", (Text("ho"),)),))
    wire = dialect.write_request(changed, "claude-opus-5", Losses())
    assert wire.headers == {"anthropic-version": "2026-10-21", "anthropic-beta": "a,fast-mode-2026-02-01"}
    assert json.loads(wire.body)["messages"][0]["content"][0]["text"] == "ho"


@pytest.mark.parametrize("signature", ['""', '"llmgate:gemini.generate:abc"'])
@pytest.mark.parametrize("model", ["a", "claude-x"])
def test_wt_115_thinking_of_another_model_is_left_out(
    dialect: AnthropicMessages, request_of: Callable[..., Any], signature: str, model: str
) -> None:
    """The client got it through this gateway; the API would refuse it."""
    thinking = b'{"type":"thinking","thinking":"hm","signature":%b}' % signature.encode()
    body = (
        b'{"model":"a","max_tokens":5,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":['
        + thinking
        + b',{"type":"text","text":"yo"}]},{"role":"assistant","content":['
        + thinking
        + b']},{"role":"user","content":"on"}],"x":1}'
    )
    sent = json.loads(dialect.forward(request_of(body), model).body)
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][1]["content"] == [{"type": "text", "text": "yo"}]
    assert (sent["model"], sent["x"]) == (model, 1)


def test_wt_115_a_changed_request_leaves_it_out_too(dialect: AnthropicMessages, request_of: Callable[..., Any]) -> None:
    """A turn of nothing else goes with it."""
    foreign = {"type": "thinking", "thinking": "hm", "signature": ""}
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [foreign]}]
    request = request_of({"model": "a", "max_tokens": 5, "messages": [*messages, messages[0]]})
    body = json.loads(dialect.write_request(request.canonical, "a", Losses()).body)
    assert [message["role"] for message in body["messages"]] == ["user", "user"]


def test_signed_thinking_and_text_about_signatures_stay(
    dialect: AnthropicMessages, request_of: Callable[..., Any]
) -> None:
    """No false alarm."""
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": 'he wrote "signature":"" there'},
    ]
    body = json.dumps({"model": "a", "max_tokens": 5, "messages": [{"role": "assistant", "content": content}]}).encode()
    assert dialect.forward(request_of(body), "a").body == body


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"anthropic-version": "2023-06-01"}, True),
        ({"anthropic-version": "2026-10-21", "authorization": "Bearer x"}, True),
        ({"x-api-key": "k"}, True),
        ({"x-api-key": "k", "authorization": "Bearer x"}, False),
        ({"authorization": "Bearer x"}, False),
        ({}, False),
    ],
)
def test_requests_are_recognised(dialect: AnthropicMessages, headers: dict[str, str], expected: bool) -> None:
    """By the version header, or a key where only this API's SDKs put it."""
    assert dialect.recognises(headers) is expected
