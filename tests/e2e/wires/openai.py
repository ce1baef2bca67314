"""True answers of OpenAI's chat completions API (as of its reference in 2026), made from turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from llmgate_core.testing import Answer, Gate, Received, Reply, Stream

from .turn import Turn, halves, wants_stream, words

ID, CREATED, FINGERPRINT = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", 1741569952, "fp_50cad350e4"
HEADERS = {"x-request-id": "req_upstream_1", "openai-processing-ms": "42", "x-ratelimit-remaining-requests": "99"}
DONE = b"data: [DONE]\n\n"
TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 429: "rate_limit_error"}


def usage(turn: Turn) -> dict[str, Any]:
    """Token counts; the prompt's include the cached ones."""
    return {
        "prompt_tokens": turn.asked,
        "completion_tokens": turn.answered,
        "total_tokens": turn.asked + turn.answered,
        "prompt_tokens_details": {"cached_tokens": turn.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole(turn: Turn, model: str) -> dict[str, Any]:
    """A chat.completion."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": None, "annotations": []}
    if turn.thinking:
        message["reasoning_content"] = turn.thinking  # what compatible servers send
    if turn.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in turn.calls
        ]
    return {
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": turn.ending}],
        "usage": usage(turn),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def chunk(model: str, choices: list[Any], **more: Any) -> dict[str, Any]:
    """A chat.completion.chunk."""
    return {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
        **more,
    }


def chunks(turn: Turn, model: str, *, with_usage: bool) -> list[dict[str, Any]]:
    """All chunks of a stream."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if turn.text else None, "refusal": None}]
    deltas += [{"reasoning_content": word} for word in words(turn.thinking)]
    deltas += [{"content": word} for word in words(turn.text)]
    for index, call in enumerate(turn.calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": a}}]} for a in halves(call.arguments)]
    empty: dict[str, Any] = {"usage": None} if with_usage else {}
    found = [
        chunk(model, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}], **empty)
        for delta in deltas
    ]
    found.append(chunk(model, [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": turn.ending}], **empty))
    if with_usage:
        found.append(chunk(model, [], usage=usage(turn)))
    return found


def frames(turn: Turn, model: str, *, with_usage: bool) -> list[bytes]:
    """All frames of a stream, the end marker too."""
    return [frame(one) for one in chunks(turn, model, with_usage=with_usage)] + [DONE]


def frame(data: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def stream(turn: Turn, body: Any, *, gate: Gate | None = None, keep: int | None = None) -> Stream:
    """A streamed answer to a request; ``keep`` frames come before the gate."""
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    pieces: list[bytes | float | Gate] = [*frames(turn, body["model"], with_usage=with_usage)]
    if gate is not None:
        pieces.insert(len(pieces) if keep is None else keep, gate)
    return Stream(pieces, headers=HEADERS)


def says(*turns: Turn) -> Callable[[Received], Answer]:
    """Answers request after request with turn after turn (the last one again and again), streamed when asked."""
    left = list(turns)

    def respond(received: Received) -> Answer:
        turn = left.pop(0) if len(left) > 1 else left[0]
        body = received.json
        return stream(turn, body) if wants_stream(body) else Reply.of(whole(turn, body["model"]), headers=HEADERS)

    return respond


def error_body(status: int, message: str = "It did not work.", code: str | None = None) -> dict[str, Any]:
    """The body of an error answer."""
    kind = TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error(status: int, message: str = "It did not work.", code: str | None = None, **headers: str) -> Reply:
    """A whole error answer."""
    return Reply.of(error_body(status, message, code), status, {**HEADERS, **headers})
