"""When to come back: what a provider says, as the client is told."""

from __future__ import annotations

from typing import Any

import pytest

from llmgate_core.testing import Raw, Reply, Stream

BUSY = {"error": {"message": "busy", "code": "busy"}}


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        pytest.param(429, {"retry-after": "2"}, "2", id="F29"),
        pytest.param(429, {"retry-after": "Tue, 14 Nov 2000 22:14:20 GMT"}, "0", id="F30-past"),
        pytest.param(429, {"retry-after": "Tue, 14 Nov 99999 22:14:20 GMT"}, None, id="F30-year-99999"),
        pytest.param(429, {"retry-after-ms": "250", "retry-after": "9"}, "1", id="F31"),
        pytest.param(429, {"x-reset-requests": "1s", "x-reset-tokens": "6m0s"}, "360", id="F32"),
        pytest.param(429, {"x-reset-requests": "-1"}, None, id="F32-minus-one"),
        pytest.param(429, {"retry-after": "inf"}, None, id="F33-inf"),
        pytest.param(429, {"retry-after": "1e308"}, None, id="F33-1e308"),
        pytest.param(429, {"retry-after": "-5"}, "0", id="F33-negative"),
        pytest.param(429, {"retry-after": "999999"}, "3600", id="F33-clamped"),
        pytest.param(503, {"retry-after": "7"}, "7", id="F38"),
        pytest.param(502, {"x-reset-tokens": "7s"}, None, id="resets-are-of-limits"),
        pytest.param(503, {"x-reset-tokens": "7s"}, "5", id="overloaded-always-says-when"),
    ],
)
async def test_retry_after_reaches_the_client(ask: Any, status: int, headers: dict[str, str], told: str | None) -> None:
    """In whole seconds, rounded up, in either dialect; nothing when nothing usable was said."""
    for odd in (False, True):
        asked = await ask(Reply.of(BUSY, status, headers), odd=odd)
        assert asked.answer.status == status
        assert asked.answer.headers.get("retry-after") == told


@pytest.mark.parametrize("word", ["true", "false"])
async def test_f38_should_retry_is_obeyed(ask: Any, word: str) -> None:
    """What a provider says about trying again is passed on."""
    asked = await ask(Reply.of(BUSY, 503, {"x-should-retry": word}))
    assert asked.answer.headers["x-should-retry"] == word


async def test_nothing_is_said_when_the_gateway_did_not_try(ask: Any) -> None:
    """After one attempt the client's own policy decides."""
    asked = await ask(Reply.of(BUSY, 503))
    assert "x-should-retry" not in asked.answer.headers


async def test_attempt_knows_when_the_limit_ends(ask: Any, plugin: Any) -> None:
    """Plugins see the exact seconds and the provider's headers on the error."""
    seen: list[Any] = []

    def note(self: Any, error: Any) -> None:
        seen.append((error.retry_after, error.upstream_status, error.upstream_headers["x-more"]))

    await ask(Reply.of(BUSY, 429, {"retry-after-ms": "250", "x-more": "1"}), plugins=(plugin(llmgate_on_error=note),))
    assert seen == [(0.25, 429, "1")]


async def test_f79_stream_with_too_short_a_length(ask: Any, toy: Any) -> None:
    """A stream that ends where its content-length says is cut; what follows is nobody's answer."""
    frames = toy.frame(start="1", model="m") + toy.frame(text="Hello")
    more = toy.frame(finish="stop") + toy.END
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(frames)
    good = Stream([frames, more])
    asked = await ask(Raw(head + frames + more, close=False), good, stream=True)
    if asked.answer.status == 200:
        assert asked.answer.frames[-1]["error"]["code"] == "upstream_stream_interrupted"
    else:  # the full lane sees at once that this is no HTTP
        assert (asked.answer.status, asked.answer.error["code"]) == (502, "upstream_bad_response")
    second = await asked.gate.post("/chat", b'{"model":"one/m","text":"x","stream":true}')
    assert second.body == frames + more
    assert [request.connection for request in asked.upstream.requests] == [0, 1]
