"""Answers known by their head: the same outcome as llhttp's, for every answer and however it is cut."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.wire.known_answer import Shapes
from llmgate_core.wire.lean_connection import LeanConnection
from llmgate_core.wire.outbox import Outbox

HEADS = (
    b"Content-Type: application/json\r\nContent-Length: %d\r\nx-ratelimit-remaining: 7\r\n",
    b"content-length: %d\r\nConnection: keep-alive\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-type: application/json\r\n",
    b"Date: now\r\nContent-Length:%d\r\nServer:\r\n",
)
ODD = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n folded\r\n\r\n{}",
    b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\nx-left: 7\r\n\r\n{}",
)


class Wire:
    """What a connection does to its transport."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Requests go nowhere here."""

    def is_closing(self) -> bool:
        """It is open until it is aborted."""
        return self.aborted

    def abort(self) -> None:
        """Remembered."""
        self.aborted = True

    def pause_reading(self) -> None:
        """Nothing reads here."""

    resume_reading = pause_reading


def answer(head: bytes, body: bytes) -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 200 OK\r\n" + head % len(body) + b"\r\n" + body


async def seen(answers: list[bytes], cuts: list[list[int]], *, remember: bool) -> list[Any]:
    """What each of ``answers`` looks like, one after the other over one connection, each cut at ``cuts``."""
    shapes = Shapes()
    connection = LeanConnection(asyncio.get_running_loop(), shapes, Outbox(asyncio.get_running_loop()))
    connection.connection_made(Wire())
    told = []
    for data, at in zip(answers, cuts, strict=True):
        if not remember:
            shapes.last = None
        connection.ask(b"", b"", monotonic() + 9)
        places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
        for begin, end in pairwise(places):
            if begin < end:
                connection.data_received(data[begin:end])
        body = connection.take() if connection.body else b""
        failed = None if connection.failed is None else type(connection.failed).__name__
        headers = dict(connection.headers) if connection.status else {}
        kept = connection.keep and connection.complete
        told.append((connection.status, headers, body, connection.complete, kept, failed, connection.transport.aborted))
        if not kept:
            break
        connection.reused = True
    return told


bodies = st.binary(max_size=40).map(lambda data: b'{"a":' + data.hex().encode() + b"}")
usual = st.builds(answer, st.sampled_from(HEADS), bodies)
answers = st.lists(usual | st.sampled_from(ODD), min_size=1, max_size=5)


@settings(max_examples=300, deadline=None)
@given(answers, st.lists(st.lists(st.integers(0, 400), max_size=2), min_size=5, max_size=5))
async def test_known_answers_are_read_as_llhttp_reads_them(given_answers: list[bytes], cuts: list[list[int]]) -> None:
    """Whatever came before over the connection, an answer's status, headers, body and end are what the parser alone finds."""
    cuts = cuts[: len(given_answers)]
    assert await seen(given_answers, cuts, remember=True) == await seen(given_answers, cuts, remember=False)


@pytest.mark.parametrize("head", HEADS)
async def test_a_repeated_head_is_known(head: bytes) -> None:
    """The second answer with the same header names needs no parser; its values are its own."""
    shapes = Shapes()
    connection = LeanConnection(asyncio.get_running_loop(), shapes, Outbox(asyncio.get_running_loop()))
    connection.connection_made(Wire())
    connection.ask(b"", b"", monotonic() + 9)
    connection.data_received(answer(head, b"{}"))
    connection.take()
    assert shapes.last is not None
    connection._parser = None
    connection.ask(b"", b"", monotonic() + 9)
    connection.data_received(answer(head, b'{"b":2}').replace(b"a=1", b"a=3"))
    assert (connection.take(), connection.complete, connection.keep) == (b'{"b":2}', True, True)
    assert connection.headers["content-length"] == "7"


async def test_a_long_body_is_counted() -> None:
    """A body that comes in pieces after a known head ends with its last byte; one byte more ends the connection."""
    one = answer(HEADS[0], b"x" * 10)
    two = answer(HEADS[0], b"y" * 1000)
    pieces = [[], [200, 900]]
    (_, last) = await seen([one, two], pieces, remember=True)
    assert last[2:5] == (b"y" * 1000, True, True)
    (_, more) = await seen([one, two + b"?"], [[], [200]], remember=True)
    assert more[4] is False
