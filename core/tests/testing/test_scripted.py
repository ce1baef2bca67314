"""The scripted upstream speaks true HTTP/1.1, records what it was sent, and fails as told."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest
import trustme

from llmgate_core.testing import (
    CloseWithoutReply,
    Gate,
    Raw,
    Received,
    Reply,
    Reset,
    ScriptedUpstream,
    Stall,
    Stream,
    Truncated,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def speak(upstream: ScriptedUpstream, data: bytes, until: bytes | None = None) -> bytes:
    """Send bytes; the bytes that come back until `until` is among them, or the connection ends."""
    with socket.create_connection((upstream.host, upstream.port), timeout=10) as sock:
        sock.sendall(data)
        found = b""
        while until is None or until not in found:
            piece = sock.recv(65536)
            if not piece:
                break
            found += piece
        return found


GET = b"GET /x HTTP/1.1\r\nHost: t\r\n\r\n"


async def test_request_is_recorded_whole() -> None:
    """Method, path, query, headers, bytes and JSON of a request are there as they were sent."""
    async with ScriptedUpstream(Reply.of({"ok": True})) as upstream, aiohttp.ClientSession() as session:
        url = f"{upstream.url}/v1/things?a=1"
        async with session.post(url, json={"n": 1}, headers={"X-Kind": "Odd"}) as response:
            assert (response.status, await response.json()) == (200, {"ok": True})
    (request,) = upstream.requests
    assert (request.method, request.path, request.query) == ("POST", "/v1/things", "a=1")
    assert request.headers["x-kind"] == "Odd"
    assert ("X-Kind", "Odd") in request.raw_headers
    assert (request.body, request.json) == (json.dumps({"n": 1}).encode(), {"n": 1})


async def test_connection_is_kept_alive() -> None:
    """Two requests of one client come over one connection, and each gets the next answer of the script."""
    async with ScriptedUpstream(Reply.of(1), Reply.of(2)) as upstream, aiohttp.ClientSession() as session:
        answers = []
        for _ in range(2):
            async with session.get(upstream.url) as response:
                answers.append(await response.json())
    assert answers == [1, 2]
    assert [request.connection for request in upstream.requests] == [0, 0]


async def test_chunked_body_is_read() -> None:
    """A body that comes in chunks is put together, and the next request on the connection is understood."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with ScriptedUpstream(Reply(), Reply()) as upstream, aiohttp.ClientSession() as session:
        await (await session.post(upstream.url, data=pieces())).read()
        await (await session.post(upstream.url, data=b"three")).read()
    assert [request.body for request in upstream.requests] == [b"one two", b"three"]
    assert upstream.connections == 1


def test_stream_is_sent_chunk_by_chunk() -> None:
    """Each piece of a stream is one HTTP chunk, and the body has its proper end."""
    with ScriptedUpstream(Stream([b"data: 1\n\n", b"data: 2\n\n"])) as upstream:
        found = speak(upstream, GET, until=b"\r\n0\r\n\r\n")
    head, _, body = found.partition(b"\r\n\r\n")
    assert b"content-type: text/event-stream" in head
    assert body == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


def test_stream_without_chunks_ends_with_the_connection() -> None:
    """The old way to end a body: the server closes."""
    with ScriptedUpstream(Stream([b"a", b"b"], chunked=False)) as upstream:
        assert speak(upstream, GET).endswith(b"\r\n\r\nab")


def test_gate_holds_a_stream() -> None:
    """What stands behind a gate comes only when the test opens it."""
    gate = Gate()
    with ScriptedUpstream(Stream([b"first", gate, b"second"], chunked=False)) as upstream:
        threading.Timer(0.05, gate.open).start()
        assert speak(upstream, GET).endswith(b"firstsecond")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Truncated(b"0123456789", sent=4), b"\r\n\r\n0123"),
        (CloseWithoutReply(), b""),
        (Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello"), b"hello"),
        (Stream([b"x"], ending="close"), b"1\r\nx\r\n"),
        (Reply(529, b"{}", close=True), b"{}"),
    ],
)
def test_answer_that_ends_the_connection(answer: Reply, seen: bytes) -> None:
    """Broken and unusual answers arrive as written, and the connection is closed behind them."""
    with ScriptedUpstream(answer) as upstream:
        assert speak(upstream, GET).endswith(seen)


@pytest.mark.parametrize("answer", [Reset(), Reset(b"HTTP/1.1 200 OK\r\n"), Stream([b"x"], ending="reset")])
def test_reset_is_a_reset(answer: Reset) -> None:
    """The peer gets an error from its socket, not an end of file."""
    with ScriptedUpstream(answer) as upstream, pytest.raises(ConnectionResetError):
        speak(upstream, GET)


@pytest.mark.parametrize("answer", [Stall(), Stall(b"HTTP/1.1 200 OK\r\n"), Stream([b"x"], ending="stall")])
def test_leaving_of_the_peer_is_noted(answer: Stall) -> None:
    """When the peer closes a stalled exchange, the time of it stands in `left`."""
    with ScriptedUpstream(answer) as upstream:
        with socket.create_connection((upstream.host, upstream.port), timeout=10) as sock:
            sock.sendall(GET)
            (request,) = upstream.wait_for(1)
            assert not request.left.done()
            before = time.monotonic()
        assert before <= request.wait_left() <= time.monotonic()


def test_leaving_in_the_middle_of_a_stream_is_noted() -> None:
    """A peer that closes while pieces are still to come is noticed without another write."""
    with ScriptedUpstream(Stream([b"x", Gate(), b"y"])) as upstream:
        speak(upstream, GET, until=b"x\r\n")
        assert upstream.requests[0].wait_left() > 0


def test_function_may_answer() -> None:
    """`respond` sees the request and decides; the queue goes first."""

    def respond(request: Received) -> Reply:
        return Reply.of({"path": request.path})

    with ScriptedUpstream(Reply.of("queued"), respond=respond) as upstream:
        assert b'"queued"' in speak(upstream, GET, until=b'"queued"')
        assert b'{"path": "/x"}' in speak(upstream, GET, until=b"}")


def test_end_of_the_script_is_told() -> None:
    """A request too many gets an answer that says so."""
    with ScriptedUpstream() as upstream:
        assert b"the script has no answer to request 1" in speak(upstream, GET, until=b"}")


def test_failure_of_the_function_fails_the_test() -> None:
    """An exception in `respond` reaches the test that wrote it."""

    def respond(request: Received) -> Reply:
        raise ZeroDivisionError(request.path)

    with pytest.raises(ZeroDivisionError), ScriptedUpstream(respond=respond) as upstream:
        assert b" 500 " in speak(upstream, GET, until=b"}")


def test_malformed_request_fails_the_test() -> None:
    """Whoever sends an upstream something that is not HTTP hears of it."""
    with pytest.raises(ValueError, match="not a request line"), ScriptedUpstream() as upstream:
        assert speak(upstream, b"HELLO\r\n\r\n") == b""


def test_play_starts_another_scene() -> None:
    """`play` forgets what was recorded and what was left of the script."""
    with ScriptedUpstream(Reply.of(1), Reply.of(2)) as upstream:
        speak(upstream, GET, until=b"1")
        upstream.play(Reply.of(3))
        assert upstream.requests == []
        assert speak(upstream, GET, until=b"\r\n\r\n3").endswith(b"3")


def test_too_few_requests_are_told() -> None:
    """Waiting for a request that never comes ends with an error that says how many came."""
    with ScriptedUpstream() as upstream, pytest.raises(TimeoutError, match="0 requests came"):
        upstream.wait_for(1, within=0.01)


async def test_upstream_may_speak_tls() -> None:
    """With a context it is an https server."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with (
        ScriptedUpstream(Reply.of("safe"), tls=server) as upstream,
        aiohttp.ClientSession() as session,
        session.get(upstream.url, ssl=client) as response,
    ):
        assert await response.json() == "safe"
    assert upstream.url.startswith("https://127.0.0.1:")
