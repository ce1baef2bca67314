"""Dialects: requests, answers and streams, read, written and passed through. Run this file (it is for pyperf)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyperf  # type: ignore[import-untyped]  # it ships no types

from llmgate_anthropic import AnthropicMessages
from llmgate_core.dialect import Dialect, Losses
from llmgate_core.jsonfields import split_fields
from llmgate_core.messages import ChatRequest
from llmgate_core.request import Request
from llmgate_core.wirevalues import WireRequest
from llmgate_openai import ChatDialect

WORDS = "Say it again, and say it well. " * 10
ASKED: dict[str, Any] = {"model": "some-model", "max_tokens": 512, "messages": [{"role": "user", "content": WORDS}]}
LONG: dict[str, Any] = {**ASKED, "messages": [{"role": "user", "content": WORDS * 330}]}
OPENAI = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1735689600,
    "model": "some-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": WORDS}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 71, "completion_tokens": 60, "total_tokens": 131},
}
ANTHROPIC = {
    "id": "msg_bench",
    "type": "message",
    "role": "assistant",
    "model": "some-model",
    "content": [{"type": "text", "text": WORDS}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 71, "output_tokens": 60},
}


def request(dialect: Dialect, body: bytes) -> Request:
    """As the core makes one: split, not decoded."""
    return Request(dialect, "chat", split_fields(body), model="some-model", stream=False, body=body)


def read(dialect: Dialect, body: bytes) -> ChatRequest:
    """A client's bytes → canonical."""
    return request(dialect, body).canonical


def write(dialect: Dialect, chat: ChatRequest) -> WireRequest:
    """Canonical → a provider's bytes."""
    return dialect.write_request(chat, "other-model", Losses())


def forward(dialect: Dialect, body: bytes) -> WireRequest:
    """A client's bytes → a provider's of the same dialect, with another model's name."""
    return dialect.forward(request(dialect, body), "other-model")


def stream(dialect: Dialect, wire: WireRequest, asked: Request, frames: Sequence[bytes]) -> bytes:
    """A provider's stream → events → a client's stream of the same dialect."""
    reader, writer = dialect.event_reader(wire), dialect.event_writer(asked)
    written = [writer.write(event) for frame in frames for event in reader.read(frame)]
    return b"".join(written + [writer.write(event) for event in reader.close()])


def openai_frames() -> list[bytes]:
    """A role, 48 words, a finish, `[DONE]`."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": " word"}, None)] * 48
    deltas += [({}, "stop")]
    base = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1735689600, "model": "some-model"}
    texts = [
        json.dumps({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}) for delta, end in deltas
    ]
    return [f"data: {text}\n\n".encode() for text in (*texts, "[DONE]")]


def main() -> None:
    """Both dialects, 300 bytes and 100 KB."""
    runner = pyperf.Runner()
    body, long = json.dumps(ASKED).encode(), json.dumps(LONG).encode()
    runner.bench_func("split the fields of 300 bytes", split_fields, body)
    runner.bench_func("split the fields of 100 KB", split_fields, long)
    for dialect, answer in ((ChatDialect(), OPENAI), (AnthropicMessages(), ANTHROPIC)):
        name, encoded, asked = dialect.name, json.dumps(answer).encode(), request(dialect, body)
        wire = write(dialect, asked.canonical)
        runner.bench_func(f"{name}: forward 300 bytes", forward, dialect, body)
        runner.bench_func(f"{name}: forward 100 KB", forward, dialect, long)
        runner.bench_func(f"{name}: read a request", read, dialect, body)
        runner.bench_func(f"{name}: write a request", write, dialect, asked.canonical)
        runner.bench_func(f"{name}: summarise an answer", dialect.summarise, encoded)
        runner.bench_func(f"{name}: read an answer", dialect.read_response, encoded, wire)
        response = dialect.read_response(encoded, wire)
        runner.bench_func(f"{name}: write an answer", dialect.write_response, response, asked)
    chat = ChatDialect()
    streamed = json.dumps({**ASKED, "stream": True}).encode()
    asked = Request(chat, "chat", split_fields(streamed), model="some-model", stream=True, body=streamed)
    wire = write(chat, asked.canonical)
    runner.bench_func("openai.chat: read and write 51 frames", stream, chat, wire, asked, openai_frames())


if __name__ == "__main__":
    main()
