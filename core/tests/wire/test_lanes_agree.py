"""The lean lane accepts less than the full one, never more: the same bytes, however split, have the same outcome on both."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Self

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

BODY = b'{"model":"parrot/small","text":"hi"}'
PATIENCE = 20.0

LINES = st.sampled_from(
    [
        b"Host: gateway\r\n",
        b"host: gateway:80\r\n",
        b"Host: a/?x=\r\n",
        b"Content-Type: application/json\r\n",
        b"content-type: application/json; charset=utf-8\r\n",
        b"Content-Type: text/plain\r\n",
        b"Content-Length: 36\r\n",
        b"content-length:36\r\n",
        b"Content-Length: 036\r\n",
        b"Content-Length: 35\r\n",
        b"Content-Length: 37\r\n",
        b"Content-Length: 36, 36\r\n",
        b"Content-Length: +36\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Connection: close\r\n",
        b"Connection: Keep-Alive\r\n",
        b"Connection: upgrade\r\n",
        b"Upgrade: websocket\r\n",
        b"Expect: 100-continue\r\n",
        b"Content-Encoding: gzip\r\n",
        b"X-A: b\r\n",
        b"X-A:\r\n",
        b"X-A: \t b \t \r\n",
        b"X-A: a\x00b\r\n",
        b"X-A: \xff\r\n",
        b"X-A : b\r\n",
        b" folded\r\n",
        b"X-A: b\n",
        b"X-A: b\rc\r\n",
        b": b\r\n",
        b"Authorization: Bearer sk-canary\r\n",
    ]
)
FIRST = st.sampled_from(
    [
        b"POST /chat HTTP/1.1\r\n",
        b"POST /toy/chat HTTP/1.1\r\n",
        b"POST /chat?beta=true HTTP/1.1\r\n",
        b"POST /chat HTTP/1.0\r\n",
        b"POST  /chat HTTP/1.1\r\n",
        b"POST /chat HTTP/1.1\n",
        b"POST /%63hat HTTP/1.1\r\n",
        b"POST //chat HTTP/1.1\r\n",
        b"POST http://evil/chat HTTP/1.1\r\n",
        b"GET /chat HTTP/1.1\r\n",
        b"GET /models HTTP/1.1\r\n",
        b"post /chat HTTP/1.1\r\n",
        b"POST /nope HTTP/1.1\r\n",
        b"POST /chat HTTP/2.0\r\n",
    ]
)
USUAL = (b"POST /chat HTTP/1.1\r\n", [b"Host: g\r\n", b"Content-Type: application/json\r\n", b"Content-Length: 36\r\n"])
GOOD = USUAL[0] + b"".join(USUAL[1]) + b"\r\n" + BODY
CHUNKED = GOOD.replace(b"Content-Length: 36", b"Transfer-Encoding: chunked").replace(
    BODY, b"24\r\n%b\r\n0\r\n\r\n" % BODY
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request made of usual and odd parts; mostly near a good one."""
    lines: list[bytes] = list(USUAL[1])
    first: bytes = draw(st.one_of(st.just(USUAL[0]), FIRST))
    for _ in range(draw(st.integers(0, 3))):
        at: int = draw(st.integers(0, len(lines)))
        replace: bool = draw(st.booleans())
        if lines and replace:
            lines[min(at, len(lines) - 1)] = draw(LINES)
        else:
            lines.insert(at, draw(LINES))
    body = draw(st.sampled_from([BODY, BODY, BODY, b"", BODY[:-1], b"24\r\n" + BODY + b"\r\n0\r\n\r\n", b"{" * 36]))
    return first + b"".join(lines) + b"\r\n" + body


@st.composite
def talks(draw: st.DrawFn) -> tuple[int, bytes, list[int]]:
    """How many good requests go before, what comes after them, and where the client splits it all."""
    data = draw(requests())
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    before = draw(st.integers(0, 2))
    return before, data, sorted(draw(st.lists(st.integers(1, before * len(GOOD) + len(data) - 1), max_size=4)))


class Lanes:
    """One gateway on each lane, served by a loop in a thread of its own."""

    def __init__(self, toy: ModuleType, served: ModuleType) -> None:
        self._toy, self._served = toy, served
        self.ports: list[int] = []
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        gates = [self._served.Served(self._toy, (), {}, {}, lean=lean) for lean in (True, False)]
        for gate in gates:
            await gate.start()
            self.ports.append(gate.port)
        self._ready.set()
        await self._end.wait()
        for gate in gates:
            await gate.stop()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the gateways do not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


@pytest.fixture(scope="module")
def lanes(toy: ModuleType, served: ModuleType) -> Iterator[Lanes]:
    """Both lanes."""
    with Lanes(toy, served) as both:
        yield both


def say(port: int, data: bytes, cuts: list[int], *, polite: bool = False) -> tuple[bytes, bool]:
    """Send ``data`` in pieces, say that no more comes, read until the server closes; and whether it reset the connection.

    ``polite``: wait for a whole answer (or the close) after the first piece before the rest is sent. A server that does neither
    within PATIENCE is a TimeoutError.
    """
    answer = b""
    reset = False
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                while polite and start and not is_whole(answer) and (piece := sock.recv(65536)):
                    answer += piece
                sock.sendall(data[start:end])
            sock.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            reset = True  # a refused connection may be reset before all was sent: what came before that is still there
        try:
            while piece := sock.recv(65536):
                answer += piece
        except ConnectionError:
            reset = True
    return answer, reset


def is_chunked(data: bytes) -> bool:
    """Whether something is said about how the body is framed, other than by its length."""
    return b"transfer-encoding" in data.partition(b"\r\n\r\n")[0].lower()


def boundary(data: bytes) -> list[int]:
    """Where the first request ends if its length is what it says: aiohttp parses a whole packet before it answers any of it."""
    head, mark, rest = data.partition(b"\r\n\r\n")
    if is_chunked(data):
        return []  # no length says where it ends
    lengths = re.findall(rb"\r\ncontent-length:[ \t]*(\d{1,4})[ \t]*(?=\r\n|$)", head, re.IGNORECASE)
    length = int(lengths[0]) if lengths else 0
    return [len(head) + 4 + length] if mark and length < len(rest) else []


_IDS = re.compile(rb"req_[0-9a-f]+")
_HEAD = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")


def answers_in(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The final answers' statuses and bodies, and what is behind the last that is whole."""
    found = []
    while match := _HEAD.match(data):
        head, mark, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if not mark or len(rest) < size:
            break
        body, data = rest[:size], rest[size:]
        if int(match[1]) >= 200:
            found.append((int(match[1]), _IDS.sub(b"ID", body)))
    return found, data


def is_whole(data: bytes) -> bool:
    """Whether a final answer has come."""
    return bool(answers_in(data)[0])


def outcome(said: tuple[bytes, bool]) -> list[tuple[int, bytes]]:
    """The final answers, without what differs from one to the next. Only a reset may cut one short: it is no answer then."""
    data, reset = said
    found, rest = answers_in(data)
    assert not rest or reset, "bytes behind the answers"
    return found


def served(answers: list[tuple[int, bytes]]) -> tuple[list[tuple[int, bytes]], bool]:
    """The answers to requests, and whether one to bytes that are none came last: it may be told, or the connection just ends."""
    refused = [status == 400 and b'"code":"invalid_http"' in body for status, body in answers]
    assert True not in refused[:-1], "something was served behind bytes that are no request"
    return ([*answers], False) if True not in refused else (answers[:-1], True)


def compare(before: int, data: bytes, by_lean: tuple[bytes, bool], by_full: tuple[bytes, bool]) -> None:
    """``before`` good requests were served, and what came behind them had the same outcome as it had alone."""
    full, full_refused = served(outcome(by_full))
    lean = outcome(by_lean)
    first, (then, lean_refused) = lean[:before], served(lean[before:])
    assert [status for status, _ in first] == [200] * len(first)
    if boundary(data) and lean_refused:
        # What stands behind a request came with it, and was so bad that neither was served.
        full = full[: len(then)]
    if is_chunked(data) and full_refused:
        # The body was so bad that its head was not looked at; when that came alone, it may have been refused for itself.
        assert all(status >= 400 for status, _ in then[len(full) :])
        then = then[: len(full)]
    if by_full[1] or by_lean[1]:  # answers may be lost on the way: what arrived must still be the same
        assert all(one == other for one, other in zip(then, full, strict=False))
    else:
        assert len(first) == before
        assert then == full


@given(talks())
@example((0, GOOD, []))
@example((2, GOOD, [10, 200]))
@example((0, GOOD.replace(b"36\r\n", b"36\r\nContent-Length: 36\r\n"), []))
@example((0, GOOD.replace(b"Content-Length: 36", b"Transfer-Encoding: chunked\r\nContent-Length: 36"), []))
@example((1, b"GET /models HTTP/1.1\r\nHost: g\r\n\r\n" + GOOD, [50]))
@example((0, GOOD.replace(b"Content-Length: 36", b"Connection: upgrade\r\nUpgrade: h2c"), [9, 99, 115]))
@example((0, GOOD.replace(b"Content-Length: 36\r\n", b""), [78]))
@example((0, GOOD.replace(b'{"model', b'24\r\n{"model') + b"\r\n0\r\x00\r\n", []))
@example((0, GOOD.replace(b"1.1", b"1.0").replace(b'{"model', b'24\r\n{"model') + b"\r\n0\r\n\r\n", [84, 86]))
@example((1, CHUNKED, [120, 212]))
@example((0, CHUNKED.replace(b"24", b"{{").replace(b"POST /chat", b"POST /nope"), [92]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_same_bytes_same_outcome(lanes: Lanes, talk: tuple[int, bytes, list[int]]) -> None:
    """Whatever a client sends, in whatever pieces, has the outcome on the lean lane that it has on the full one alone."""
    before, data, cuts = talk
    by_full = say(lanes.ports[1], data, boundary(data), polite=True)
    by_lean = say(lanes.ports[0], GOOD * before + data, cuts)
    compare(before, data, by_lean, by_full)


def test_good_request_is_answered_by_both(lanes: Lanes) -> None:
    """The comparison means something: a good request is served, three on one connection in order."""
    for port in lanes.ports:
        answers = outcome(say(port, GOOD * 3, [7, 99]))
        assert [status for status, _ in answers] == [200, 200, 200]
