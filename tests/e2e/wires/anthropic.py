"""True answers of Anthropic's Messages API (version 2023-06-01), made from turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from llmgate_core.testing import Answer, Gate, Received, Reply, Stream

from .turn import Turn, halves, wants_stream, words

ID = "msg_01XFDUDYJgAACzvnptvVoYEL"
HEADERS = {"request-id": "req_upstream_2", "anthropic-ratelimit-requests-remaining": "99"}
STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
CUMULATIVE = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def usage(turn: Turn, answered: int) -> dict[str, Any]:
    """Token counts; the input's are without the cached ones."""
    return {
        "input_tokens": turn.asked - turn.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": turn.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": answered,
        "service_tier": "standard",
    }


def blocks(turn: Turn) -> list[dict[str, Any]]:
    """The content blocks of a whole message."""
    found: list[dict[str, Any]] = []
    if turn.thinking:
        found.append({"type": "thinking", "thinking": turn.thinking, "signature": turn.signature})
    if turn.text:
        found.append({"type": "text", "text": turn.text})
    found += [{"type": "tool_use", "id": c.id, "name": c.name, "input": json.loads(c.arguments)} for c in turn.calls]
    return found


def message(turn: Turn, model: str, content: list[Any], stop: str | None, answered: int) -> dict[str, Any]:
    """A message, whole or as it starts."""
    return {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage(turn, answered),
    }


def whole(turn: Turn, model: str) -> dict[str, Any]:
    """A complete message."""
    return message(turn, model, blocks(turn), STOPS[turn.ending], turn.answered)


def events(turn: Turn, model: str) -> list[dict[str, Any]]:
    """All events of a stream."""
    found: list[dict[str, Any]] = [{"type": "message_start", "message": message(turn, model, [], None, 1)}]
    for index, (block, deltas) in enumerate(_streamed(turn)):
        found.append({"type": "content_block_start", "index": index, "content_block": block})
        if index == 0:
            found.append({"type": "ping"})
        found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        found.append({"type": "content_block_stop", "index": index})
    found.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": STOPS[turn.ending], "stop_sequence": None},
            "usage": {name: value for name, value in usage(turn, turn.answered).items() if name in CUMULATIVE},
        }
    )
    return [*found, {"type": "message_stop"}]


def _streamed(turn: Turn) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if turn.thinking:
        deltas = [{"type": "thinking_delta", "thinking": word} for word in words(turn.thinking)]
        signature = {"type": "signature_delta", "signature": turn.signature}
        found.append(({"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signature]))
    if turn.text:
        found.append(
            ({"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in words(turn.text)])
        )
    for call in turn.calls:
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ["", *halves(call.arguments)]]
        found.append(({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, deltas))
    return found


def frames(turn: Turn, model: str) -> list[bytes]:
    """All frames of a stream."""
    return [frame(event) for event in events(turn, model)]


def frame(event: Any) -> bytes:
    """One server-sent event."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def stream(turn: Turn, body: Any, *, gate: Gate | None = None, keep: int | None = None) -> Stream:
    """A streamed answer to a request; ``keep`` frames come before the gate."""
    pieces: list[bytes | float | Gate] = [*frames(turn, body["model"])]
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


def error_body(status: int, text: str = "It did not work.", code: str | None = None) -> dict[str, Any]:
    """The body of an error answer; this API has no codes."""
    kind = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_upstream_2"}


def error(status: int, text: str = "It did not work.", code: str | None = None, **headers: str) -> Reply:
    """A whole error answer."""
    return Reply.of(error_body(status, text), status, {**HEADERS, **headers})
