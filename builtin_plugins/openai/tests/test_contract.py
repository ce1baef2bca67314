"""The dialect and the provider, held to the contract that every one of them is held to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmgate_core.dialect import Dialect
from llmgate_core.provider import HttpProvider
from llmgate_core.testing.contracts import DialectContract, ProviderContract, StartContract
from llmgate_openai import ChatDialect, OpenAIConfig, OpenAIProvider

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-4o-2024-11-20"}
ANSWER: dict[str, Any] = json.loads(Path(__file__).with_name("answer.json").read_text())
WEATHER = {"type": "function", "function": {"name": "weather", "arguments": '{"city":"Turin"}'}}
WORK = ("read_request", "read_response", "event_reader", "write_request", "write_response", "event_writer")


def stream(*choices: object, usage: object = None) -> bytes:
    """A stream of one choice per chunk, with its usage chunk and end."""
    chunks = [{**HEAD, "system_fingerprint": "fp_1", "choices": [choice], "usage": None} for choice in choices]
    if usage is not None:
        chunks.append({**HEAD, "system_fingerprint": "fp_1", "choices": [], "usage": usage})
    frames = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks]
    return ("".join(frames) + "data: [DONE]\n\n").encode()


def delta(finish: str | None = None, index: int = 0, **fields: object) -> dict[str, object]:
    """One choice of a chunk."""
    return {"index": index, "delta": fields, "logprobs": None, "finish_reason": finish}


class TestDialect(DialectContract, StartContract):
    """``openai.chat``, whole."""

    # a hint: prompts are cached here without being asked
    quiet = ("tool.cache_control",)
    forward_changes = ("stream_options",)
    # what translates: until a gateway serves there is only what passes a request through
    loads_late = tuple(f"llmgate_openai.{name}" for name in WORK)
    request_bodies = (
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Weather?", "name": "ann"},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", **WEATHER}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
            ],
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
            "temperature": 0.5,
            "max_completion_tokens": 100,
            "user": "u",
        },
        {
            "model": "gpt-5.4",
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "é", "cache_control": {"type": "ephemeral"}},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                        {"type": "file", "file": {"file_id": "file-1"}},
                    ],
                }
            ],
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
            "store": True,
        },
    )
    response_bodies = (
        ANSWER,
        {
            **ANSWER,
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Let me see.",
                        "refusal": None,
                        "reasoning_content": "Hm.",
                        "annotations": [],
                        "tool_calls": [{"id": "call_1", **WEATHER}],
                    },
                    "logprobs": {"content": [], "refusal": None},
                    "finish_reason": "tool_calls",
                }
            ],
        },
    )
    stream_bodies = (
        stream(
            delta(role="assistant", content="", refusal=None),
            delta(reasoning_content="Hm"),
            delta(content="Ré"),
            delta(content="gen\u2028"),
            delta("stop"),
            usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        ),
        stream(
            delta(role="assistant", content=None),
            delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": {"name": "a"}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x":'}}]),
            delta(tool_calls=[{"index": 1, "id": "call_2", "function": {"name": "b", "arguments": "{}"}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
            delta("stop"),
        ),
    )
    error_bodies = (
        (429, {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}),
    )

    @pytest.fixture
    def dialect(self) -> Dialect:
        """The dialect under test."""
        return ChatDialect()


class TestProvider(ProviderContract):
    """The provider type ``openai``, at a compatible server."""

    models = ("gpt-4o", "org/model:free")

    @pytest.fixture
    def provider(self) -> HttpProvider:
        """The provider under test."""
        return OpenAIProvider("lab", OpenAIConfig(base_url="http://127.0.0.1:8000/v1", models=["llama"]))
