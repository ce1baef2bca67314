"""Faults before the commit point: answered with the right status, and a healthy target takes over."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from llmgate_core.testing import CloseWithoutReply, Raw, Reply, Reset, Stream, Truncated

GOOD = json.dumps({"id": "1", "model": "m", "text": "Hello", "finish": "stop"}).encode()
HTML = b"<html><h1>Bad gateway: sk-secret</h1></html>"
BOMB = gzip.compress(b"0" * (80 * 1024 * 1024), 9)
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def zipped(data: bytes, encoding: str = "gzip") -> Reply:
    """A 200 with a compressed body."""
    return Reply(200, data, {"content-encoding": encoding})


def failed(status: int, headers: dict[str, str] | None = None) -> Reply:
    """A toy error answer."""
    return Reply.of({"error": {"message": "told so", "code": "own_code"}}, status, headers or {})


def page(status: int) -> Reply:
    """A web page where an answer should be."""
    return Reply(status, HTML, {"content-type": "text/html"})


# row, what the provider does, status and code the client sees, how far the attempt came
FAULTS = [
    ("F19-reset-before-status", Reset(), 502, "upstream_disconnected", "ambiguous"),
    ("F19-reset-inside-head", Reset(b"HTTP/1.1 200 OK\r\nconte"), 502, "upstream_disconnected", "ambiguous"),
    ("F20-empty-reply", CloseWithoutReply(), 502, "upstream_disconnected", "ambiguous"),
    ("F27-301", Reply(301, b"", {"location": "http://127.0.0.1:1/"}), 502, "upstream_redirect", "rejected"),
    ("F27-307", Reply(307, b"", {"location": "http://169.254.169.254/"}), 502, "upstream_redirect", "rejected"),
    ("F28-204", Raw(b"HTTP/1.1 204 No Content\r\n\r\n"), 502, "upstream_empty", "ambiguous"),
    ("F28-304", Raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), 502, "upstream_empty", "ambiguous"),
    ("F28-empty-200", Reply(200, b""), 502, "upstream_empty", "ambiguous"),
    ("F28-empty-stream", Stream([]), 502, "upstream_empty", "ambiguous"),
    ("F37-500", page(500), 502, "upstream_500", "rejected"),
    ("F37-502", page(502), 502, "upstream_502", "rejected"),
    ("F37-503", page(503), 503, "upstream_503", "rejected"),
    ("F37-504", page(504), 504, "upstream_504", "rejected"),
    ("F37-520", page(520), 502, "upstream_520", "rejected"),
    ("F38-503", failed(503), 503, "own_code", "rejected"),
    ("F39-401", failed(401), 502, "upstream_authentication", "rejected"),
    ("F39-403", failed(403), 502, "upstream_authentication", "rejected"),
    ("F44-402", failed(402), 503, "upstream_payment_required", "rejected"),
    ("F40-400", failed(400), 400, "own_code", "rejected"),
    ("F40-422", failed(422), 422, "own_code", "rejected"),
    ("F16-error-body-cut-short", Truncated(b'{"error":{}}', 5, status=413), 413, "upstream_413", "rejected"),
    ("F47-malformed", Reply(200, b'{"id": "1", '), 502, "upstream_bad_response", "ambiguous"),
    ("F47-web-page", Reply(200, HTML), 502, "upstream_bad_response", "ambiguous"),
    ("F47-array", Reply(200, b"[]"), 502, "upstream_bad_response", "ambiguous"),
    ("F48-truncated", Truncated(GOOD, 20), 502, "upstream_disconnected", "ambiguous"),
    ("F49-no-last-chunk", Raw(CHUNKED + b'5\r\n{"id"\r\n'), 502, "upstream_disconnected", "ambiguous"),
    ("F53-bomb", zipped(BOMB), 502, "upstream_bad_response", "ambiguous"),
    ("F54-says-gzip-is-plain", zipped(GOOD), 502, "upstream_bad_response", "ambiguous"),
    ("F54-truncated-gzip", zipped(gzip.compress(GOOD)[:-9]), 502, "upstream_bad_response", "ambiguous"),
    ("F54-two-members", zipped(gzip.compress(GOOD) * 2), 502, "upstream_bad_response", "ambiguous"),
    ("F54-br", zipped(GOOD, "br"), 502, "upstream_bad_response", "ambiguous"),
    ("F54-twice", zipped(GOOD, "gzip, gzip"), 502, "upstream_bad_response", "ambiguous"),
    (
        "F24-two-lengths",
        Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x"),
        502,
        None,
        "ambiguous",
    ),
    ("F26-not-http", Raw(b"SSH-2.0-OpenSSH_9\r\n\r\n"), 502, "upstream_bad_response", "ambiguous"),
]
ROWS = [pytest.param(*row[1:], id=row[0]) for row in FAULTS]


@pytest.mark.parametrize("odd", [False, True], ids=["same", "translated"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("fault", "status", "code", "result"), ROWS)
async def test_fault_is_answered(
    ask: Any, fault: Any, status: int, code: str | None, result: str, *, stream: bool, odd: bool
) -> None:
    """The client gets the row's status and code in its own dialect, and nothing of the provider's page or key."""
    asked = await ask(fault, stream=stream, odd=odd)
    answer = asked.answer
    assert (answer.status, asked.results) == (status, [result])
    assert code is None or answer.error["code"] == code
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == asked.gate.log.exchanges[0].id
    assert b"sk-secret" not in answer.body
    assert asked.gate.log.outcomes == ["error"]
    assert len(asked.upstream.requests) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("fault", "result"), [pytest.param(row[1], row[4], id=row[0]) for row in FAULTS])
async def test_fault_falls_back(ask: Any, go_on: Any, fault: Any, result: str, *, stream: bool) -> None:
    """With a healthy second target the client sees only the good answer."""
    asked = await ask(fault, plugins=(go_on,), model="one/m+parrot/small", stream=stream)
    assert asked.answer.status == 200
    assert b"there" in asked.answer.body
    assert b"error" not in asked.answer.body
    assert asked.results == [result, "ok"]
    assert asked.gate.log.outcomes == ["ok"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_f52_compressed_body_is_decoded(ask: Any, encoding: str) -> None:
    """A provider that compresses though asked not to is understood."""
    data = gzip.compress(GOOD) if encoding == "gzip" else zlib.compress(GOOD)
    asked = await ask(zipped(data, encoding))
    assert (asked.answer.status, asked.answer.body) == (200, GOOD)
    assert "content-encoding" not in asked.answer.headers


async def test_f52_compressed_stream_is_decoded(ask: Any, toy: Any) -> None:
    """The same for a stream, whose first compressed bytes decode to nothing."""
    frames = toy.frame(start="1", model="m") + toy.frame(text="Hello") + toy.frame(finish="stop") + toy.END
    data = gzip.compress(frames)
    asked = await ask(
        Stream([data[:5], data[5:12], data[12:30], data[30:]], pause=0.01, headers={"content-encoding": "gzip"}),
        stream=True,
    )
    assert asked.answer.body == frames
    assert asked.results == ["ok"]


async def test_f39_text_about_our_key_is_withheld(ask: Any) -> None:
    """What a provider says about the gateway's credentials is not repeated: it may quote them."""
    asked = await ask(Reply.of({"error": {"message": "Incorrect API key provided: sk-abc"}}, 401))
    assert b"sk-abc" not in asked.answer.body
    assert "credentials" in asked.answer.error["message"]


async def test_f40_error_of_the_same_dialect_is_shown_unchanged(ask: Any) -> None:
    """The client's own mistake comes back in the provider's own words, whole; translated, its message and code stay."""
    told = {"error": {"message": "too long", "code": "context_length", "more": [1]}}
    same = await ask(Reply.of(told, 400))
    assert same.answer.json == told
    other = await ask(Reply.of(told, 400), odd=True)
    assert (other.answer.error["message"], other.answer.error["code"]) == ("too long", "context_length")


async def test_f41_unknown_model_the_client_named(ask: Any) -> None:
    """A 404 is the client's when it named the model itself."""
    asked = await ask(failed(404))
    assert asked.answer.status == 404


async def test_f41_unknown_deployment_we_named(ask: Any, plugin: Any) -> None:
    """A 404 for a model that our configuration chose is our mistake, not the client's."""
    from llmgate_core import Target

    alias = plugin(llmgate_select_provider=lambda self: (Target("one", "gone"),))
    asked = await ask(failed(404), plugins=(alias,), model="fast")
    assert (asked.answer.status, asked.answer.error["code"]) == (502, "upstream_misconfigured")


async def test_f79_bytes_behind_the_answer_end_the_connection(ask: Any) -> None:
    """What follows an answer's announced length is nobody's: the connection serves no further request."""
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(GOOD)
    evil = raw + GOOD + raw + GOOD.replace(b"Hello", b"Other")
    asked = await ask(Raw(evil, close=False), Reply(200, GOOD))
    second = await asked.gate.post("/chat", json.dumps({"model": "one/m", "text": "x"}).encode())
    assert (asked.answer.body, second.body) == (GOOD, GOOD)
    assert [request.connection for request in asked.upstream.requests] == [0, 1]
