"""The dialect and the provider, held to the contract that every one of them is held to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmgate_anthropic import AnthropicMessages, AnthropicProvider
from llmgate_core.dialect import Dialect
from llmgate_core.provider import HttpProvider, HttpProviderConfig, KeyConfig
from llmgate_core.secrets import Secret
from llmgate_core.testing.contracts import DialectContract, ProviderContract, StartContract

USAGE = {"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 5}
SEARCH = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "Turin"}}
WORK = ("read_request", "read_response", "event_reader", "write_request", "write_response", "event_writer")


def stream(*events: dict[str, Any], reason: str = "end_turn") -> bytes:
    """A whole stream around the events of its blocks."""
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 1},
    }
    last = {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 5},
    }
    whole: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "ping"},
        *events,
        last,
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n".encode() for e in whole)


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one block."""
    pieces = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    begun = {"type": "content_block_start", "index": index, "content_block": start}
    return [begun, *pieces, {"type": "content_block_stop", "index": index}]


class TestDialect(DialectContract, StartContract):
    """``anthropic.messages``, whole."""

    quiet = (
        "metadata",  # labels for another provider's records
        "reasoning.effort",  # a model with budgets refuses thinking after calls that came without any
    )
    # what translates: until a gateway serves there is only what passes a request through
    loads_late = tuple(f"llmgate_anthropic.{name}" for name in WORK)
    request_bodies = (
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 100,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                        {"type": "redacted_thinking", "data": "xx"},
                        {"type": "text", "text": "Let me see."},
                        SEARCH,
                        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Turin"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain", "is_error": False},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                        {"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}, "title": "a"},
                    ],
                },
            ],
            "tools": [{"name": "weather", "input_schema": {"type": "object", "properties": {}}, "strict": True}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "temperature": 0.5,
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u"},
        },
        {
            "model": "claude-opus-5",
            "max_tokens": 100,
            "stream": True,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "\u00e9"}]}],
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
            "service_tier": "standard_only",
            "container": "c",
            "inference_geo": "eu",
        },
    )
    response_bodies = (
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "text", "text": "Let me see."},
                SEARCH,
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Turin"}},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": {**USAGE, "service_tier": "standard"},
        },
    )
    stream_bodies = (
        stream(
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "Hm."},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            *block(
                1,
                {"type": "text", "text": ""},
                {"type": "text_delta", "text": "R\u00e9gen"},
                {"type": "text_delta", "text": "\u2028."},
            ),
        ),
        stream(
            *block(0, {**SEARCH, "input": {}}, {"type": "input_json_delta", "partial_json": '{"query":"Turin"}'}),
            *block(
                1,
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
                {"type": "input_json_delta", "partial_json": ""},
                {"type": "input_json_delta", "partial_json": '{"city":'},
                {"type": "input_json_delta", "partial_json": '"Turin"}'},
            ),
            *block(2, {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}}),
            reason="tool_use",
        ),
    )
    error_bodies = (
        (
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": 'a "bad" one'}, "request_id": "r"},
        ),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    )

    @pytest.fixture
    def dialect(self) -> Dialect:
        """As the plugin registers it."""
        return AnthropicMessages()


class TestProvider(ProviderContract):
    """``anthropic``, with one key."""

    @pytest.fixture
    def provider(self) -> HttpProvider:
        """At the vendor's own host."""
        return AnthropicProvider("anthropic", HttpProviderConfig(keys=[KeyConfig(Secret("sk-ant-1"))]))
