"""Requests that are not quite HTTP: refused and the connection closed, on either lane, with nothing of them in answer or log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

BODY = b'{"model":"parrot/small","text":"hi"}'
TYPE = b"Content-Type: application/json\r\n"
SIZE = b"Content-Length: 36\r\n"
HOST = b"Host: gateway\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(*lines: bytes, body: bytes = BODY, path: bytes = b"/chat") -> bytes:
    """A POST with these header lines."""
    return b"POST %b HTTP/1.1\r\n%b%b%b\r\n%b" % (path, HOST, TYPE, b"".join(lines), body)


MALFORMED = {
    "B02-two-lengths": post(SIZE, b"Content-Length: 35\r\n"),
    "B02-length-list": post(b"Content-Length: 36, 35\r\n"),
    "B02-length-and-chunked": post(SIZE, CHUNKED, body=b"0\r\n\r\n"),
    "B03-xchunked": post(b"Transfer-Encoding: xchunked\r\n"),
    "B03-chunked-identity": post(b"Transfer-Encoding: chunked, identity\r\n"),
    "B03-vertical-tab": post(b"Transfer-Encoding: \x0bchunked\r\n"),
    "B04-plus": post(b"Content-Length: +36\r\n"),
    "B04-minus": post(b"Content-Length: -36\r\n"),
    "B04-hex": post(b"Content-Length: 0x24\r\n"),
    "B04-underscore": post(b"Content-Length: 3_6\r\n"),
    "B04-full-width": post("Content-Length: ３６\r\n".encode()),
    "B05-bare-cr": post(SIZE, b"X-A: a\rb\r\n"),
    "B05-obs-fold": post(SIZE, b"X-A: a\r\n b\r\n"),
    "B06-underscore-chunk": post(CHUNKED, body=b"2_4\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "B06-hex-chunk": post(CHUNKED, body=b"0x24\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "B06-plus-chunk": post(CHUNKED, body=b"+24\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "B06-huge-chunk": post(CHUNKED, body=b"1" + b"0" * 16 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "B07-space-before-colon": post(SIZE, b"X-A : b\r\n"),
    "B07-leading-tab": b"POST /chat HTTP/1.1\r\n\t" + HOST + TYPE + SIZE + b"\r\n" + BODY,
    "B08-nul": post(SIZE, b"Authorization: Bearer canary\x00x\r\n"),
    "B08-control": post(SIZE, b"Authorization: Bearer canary\x01\r\n"),
    "B10-long-target": post(SIZE, path=b"/chat?" + b"a" * 10240),
    "B11-two-hosts": post(SIZE, b"Host: other\r\n"),
    "B13-odd-method": b'G=":<> /chat HTTP/1.1\r\n' + HOST + b"\r\n",
    "B13-lower-case": b"get /models HTTP/1.1\r\n" + HOST + b"\r\n",
    "B13-pri": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "B23-tls-hello": bytes.fromhex("16030100a5010000a1030301020304050607") + b"\x00" * 80,
    "B24-encoding-in-trailer": post(CHUNKED, body=b"0\r\nTransfer-Encoding: x\r\nContent-Length: 3\r\n\x00\r\n\r\n"),
    "http-0.9": b"GET /models\r\n\r\n",
    "http-9": b"GET /models HTTP/9.9\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_request_is_refused(
    serve: Any, served: Any, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A JSON error with a request id or nothing, then the connection ends; the provider is not asked; others are served."""
    caplog.set_level(logging.DEBUG)
    gate = await serve()
    raw = await gate.raw(data, half_close=True)
    if raw:
        answer = served.parse(raw)
        assert 400 <= answer.status < 500 or answer.status in {501, 505}
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["server"] == "llmgate"
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.error["message"]
        assert answer.complete
    assert b"canary" not in raw
    assert "canary" not in caplog.text
    assert "Traceback" not in caplog.text
    assert gate.log.attempts == []
    assert (await gate.post("/chat", BODY)).status == 200


async def test_b05_bare_lf(serve: Any, served: Any) -> None:
    """Lines that end in LF alone are refused, or hang on to no second meaning: nothing is served out of the body."""
    gate = await serve()
    smuggled = b"POST /chat HTTP/1.1\nHost: a\nContent-Type: application/json\nContent-Length: 36\n\n" + BODY
    raw = await gate.raw(smuggled, half_close=True)
    assert not raw or served.parse(raw).status == 400
    assert gate.log.attempts == []


async def test_b02_two_equal_lengths(serve: Any, served: Any) -> None:
    """Even two equal lengths are refused: whoever stands in front may have seen only one."""
    gate = await serve()
    answer = served.parse(await gate.raw(post(SIZE, SIZE), half_close=True))
    assert answer.status in {200, 400}
    assert len(gate.log.attempts) <= 1


async def test_b06_chunked_body_is_served(serve: Any, served: Any) -> None:
    """A proper chunked body, in any cut, is understood."""
    gate = await serve()
    body = b"".join(b"%x\r\n%b\r\n" % (1, BODY[at : at + 1]) for at in range(len(BODY))) + b"0\r\n\r\n"
    answer = served.parse(await gate.raw(post(CHUNKED, b"Connection: close\r\n", body=body)))
    assert (answer.status, answer.json["text"]) == (200, "hi ")


async def test_b06_long_chunk_extension(serve: Any, served: Any) -> None:
    """A megabyte of chunk extension is refused, or skipped without being kept."""
    gate = await serve()
    body = b"24;" + b"x" * 1024 * 1024 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
    raw = await gate.raw(post(CHUNKED, b"Connection: close\r\n", body=body))
    assert not raw or served.parse(raw).status in {200, 400}


@pytest.mark.parametrize("lines", [[b"X-%d: 1\r\n" % n for n in range(2000)], [b"Cookie: " + b"a" * 65536 + b"\r\n"]])
async def test_b09_too_much_head(serve: Any, served: Any, lines: list[bytes]) -> None:
    """A head that is too large is refused as JSON, or served if it fits; never half read."""
    gate = await serve()
    raw = await gate.raw(post(SIZE, b"Connection: close\r\n", *lines), half_close=True)
    if raw:
        answer = served.parse(raw)
        assert answer.status in {200, 400, 431}
        assert answer.json


@pytest.mark.parametrize("target", [b"http://evil/models", b"*", b"gateway:80"])
@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"CONNECT", b"TRACE"])
async def test_b12_b13_odd_targets_and_methods(serve: Any, served: Any, method: bytes, target: bytes) -> None:
    """Forms of the target that only a proxy needs, and methods nobody serves, are refused in JSON."""
    gate = await serve()
    raw = await gate.raw(b"%b %b HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (method, target, HOST), half_close=True)
    if raw:
        answer = served.parse(raw)
        assert answer.status in {400, 404, 405, 501}
        assert answer.error["message"]


async def test_b14_pipelined_requests_are_answered_in_order(serve: Any, served: Any) -> None:
    """A thousand requests sent at once on one connection get their answers in their order."""
    gate = await serve()
    requests = [gate.request("/chat", b'{"model":"parrot/small","text":"n%d"}' % number) for number in range(1000)]
    talk = await gate.talk(b"".join(requests))
    seen = await talk.until(b'"n999 "')
    positions = [seen.index(b'"n%d "' % number) for number in range(1000)]
    assert positions == sorted(positions)
    talk.leave()


async def test_b15_bytes_of_an_unread_body_are_no_request(serve: Any, served: Any) -> None:
    """After a request that is refused before its body was read, the body is not taken for the next request."""
    gate = await serve()
    inner = post(SIZE)
    outer = post(b"Content-Length: %d\r\n" % len(inner), body=inner, path=b"/nowhere")
    raw = await gate.raw(outer, half_close=True)
    assert raw.count(b"HTTP/1.1 ") == 1
    assert served.parse(raw).status == 404
    assert gate.log.attempts == []


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket"])
async def test_b16_upgrade_is_ignored_or_refused(serve: Any, served: Any, upgrade: bytes) -> None:
    """No tunnel is opened: the request is served as it is, or refused."""
    gate = await serve()
    lines = (b"Connection: Upgrade\r\n", b"Upgrade: " + upgrade + b"\r\n", b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n")
    raw = await gate.raw(post(SIZE, *lines), half_close=True)
    assert b" 101 " not in raw
    final = raw.rpartition(b"HTTP/1.1 100 Continue\r\n\r\n")[2]
    assert served.parse(final).status in {200, 400, 426}


async def test_b17_expect_continue(serve: Any, served: Any) -> None:
    """A client that waits to be told gets its 100, and then its answer."""
    gate = await serve()
    talk = await gate.talk(post(SIZE, b"Expect: 100-continue\r\n", b"Connection: close\r\n", body=b""))
    assert await talk.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    talk.writer.write(BODY)
    assert b'"hi "' in await talk.rest()


@pytest.mark.parametrize(("lines", "status"), [
    ([b"Expect: 100-continue\r\n", b"Content-Length: 99999999999\r\n"], 413),
    ([b"Expect: a-miracle\r\n", SIZE], 417),
])  # fmt: skip
async def test_b17_refused_expectations(serve: Any, served: Any, lines: list[bytes], status: int) -> None:
    """Too large a body is refused before it is sent; another expectation cannot be met."""
    gate = await serve()
    answer = served.parse(await gate.raw(post(*lines, body=b"")))
    assert answer.status == status
    assert answer.error["message"]


async def test_b26_connection_header_cannot_remove_ours(serve: Any, served: Any) -> None:
    """Naming a header in Connection takes nothing from what the gateway sends to the provider."""
    from llmgate_core.testing import Reply, ScriptedUpstream

    said = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
    async with ScriptedUpstream(Reply.of(said)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url, "keys": ["sk-1"]}})
        body = b'{"model":"one/m","text":"hi"}'
        lines = (b"Connection: authorization, x-api-key, close\r\n", b"Content-Length: %d\r\n" % len(body))
        answer = served.parse(await gate.raw(post(*lines, body=body)))
    assert answer.status == 200
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-1"
    assert "x-api-key" not in upstream.requests[0].headers


async def test_b19_slow_body(serve: Any, served: Any) -> None:
    """A body that never ends is given up after its time."""
    gate = await serve(body_timeout=0.2)
    talk = await gate.talk(post(b"Content-Length: 1000000\r\n", body=b'{"model":'))
    seen = await talk.until(b"\r\n\r\n")
    assert seen.startswith(b"HTTP/1.1 408 ")
    await talk.rest()
    assert json.loads(talk.seen.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


async def test_b75_half_close(serve: Any, served: Any, toy: Any) -> None:
    """A client that closes only its sending side after the request is answered."""
    from llmgate_core.testing import Reply, ScriptedUpstream, Stream

    said = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
    slow = Stream([toy.frame(start="1", model="m"), 0.2, toy.frame(text="late"), toy.frame(finish="stop"), toy.END])
    async with ScriptedUpstream(Reply.of(said), slow) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        for more, told in ((b"", b"Hello"), (b',"stream":true', b"late")):
            body = b'{"model":"one/m","text":"hi"%b}' % more
            raw = await gate.raw(post(b"Content-Length: %d\r\n" % len(body), body=body), half_close=True)
            assert told in raw
    assert gate.log.outcomes == ["ok", "ok"]
