"""Clients that hold a connection and do not get on with their request: cut off, while others are served."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmgate_core.wire.slow import TOO_SLOW, SlowLimits

SLOW = SlowLimits(head=0.3, idle=0.6, body_rate=1000, tick=0.05)
GET = b"GET /models HTTP/1.1\r\nhost: g\r\n\r\n"


def test_canned_answer_is_well_formed(served: Any) -> None:
    """The 408 that needs no gateway is a whole JSON answer."""
    answer = served.parse(TOO_SLOW)
    assert (answer.status, answer.complete, answer.error["type"]) == (408, True, "timeout")


async def ended(served: Any, talk: Any) -> bytes:
    """What came until the gateway closed the connection."""
    async with asyncio.timeout(served.PATIENCE):
        return bytes(await talk.rest())


async def test_silence_after_connecting(serve: Any, served: Any, body: Any) -> None:
    """Nothing is sent: the connection is closed, and nobody else notices."""
    gate = await serve(slow=SLOW)
    silent = [await gate.talk() for _ in range(20)]
    assert (await gate.post("/chat", body("parrot/small"))).status == 200
    assert {await ended(served, talk) for talk in silent} == {b""}


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "after-another"])
@pytest.mark.parametrize("part", [b"P", b"POST /chat HT", b"POST /chat HTTP/1.1\r\nhost: g\r\nx-a: b"])
async def test_half_a_head(serve: Any, served: Any, body: Any, before: bytes, part: bytes) -> None:
    """A head that stops is answered with 408 and closed, also on a connection that went to the full lane."""
    gate = await serve(slow=SLOW)
    talk = await gate.talk(before)
    if before:
        await talk.until(b'["')
    talk.seen = b""
    talk.writer.write(part)
    assert (await gate.post("/chat", body("parrot/small"))).status == 200
    assert served.parse(await ended(served, talk)).status == 408


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "after-another"])
async def test_a_head_byte_by_byte(serve: Any, served: Any, before: bytes) -> None:
    """Each byte coming in time does not make the head come in time."""
    gate = await serve(slow=SLOW)
    talk = await gate.talk(before)
    if before:
        await talk.until(b'["')
    talk.seen = b""
    dripping = asyncio.create_task(drip(talk, b"POST /chat HTTP/1.1\r\nx-a: " + b"a" * 1000))
    assert served.parse(await ended(served, talk)).status == 408
    dripping.cancel()


async def drip(talk: Any, data: bytes) -> None:
    """Write one byte now and then."""
    for at in range(len(data)):
        talk.writer.write(data[at : at + 1])
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "after-another"])
@pytest.mark.parametrize("dripping", [False, True], ids=["stops", "byte-by-byte"])
async def test_a_body_that_does_not_come(serve: Any, served: Any, body: Any, before: bytes, *, dripping: bool) -> None:
    """After its time of grace a body must come at a minimum rate: 408, closed, and nothing is asked of a provider."""
    gate = await serve(slow=SLOW, body_timeout=0.3)
    data = gate.request("/chat", body("parrot/small", "x" * 1000))
    head, _, sent = data.partition(b"\r\n\r\n")
    talk = await gate.talk(before)
    if before:
        await talk.until(b'["')
    talk.seen = b""
    talk.writer.write(head + b"\r\n\r\n" + sent[:50])
    dripped = asyncio.create_task(drip(talk, sent[50:] if dripping else b""))
    assert (await gate.post("/chat", body("parrot/small"))).status == 200
    assert served.parse(await ended(served, talk)).status == 408
    dripped.cancel()
    assert len(gate.log.attempts) == 1


async def test_a_chunked_body_that_does_not_come(serve: Any, served: Any) -> None:
    """A body of unknown length is held to the same."""
    gate = await serve(slow=SLOW, body_timeout=0.3)
    head = b"POST /chat HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    talk = await gate.talk(head + b"100\r\n{")
    assert served.parse(await ended(served, talk)).status == 408


@pytest.mark.parametrize("path", ["/chat", "/chat?chunked"])
async def test_a_steady_body_is_waited_for(serve: Any, served: Any, body: Any, path: str) -> None:
    """Whoever sends faster than the minimum is served, though the time of grace is long over."""
    gate = await serve(slow=SlowLimits(body_rate=100, tick=0.05), body_timeout=0.2)
    sent = body("parrot/small", "x" * 400)
    data = gate.request("/chat", sent)
    if "chunked" in path:
        data = data.replace(b"content-length: %d" % len(sent), b"transfer-encoding: chunked")
        head, _, _ = data.partition(b"\r\n\r\n")
        data = head + b"\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent)
    talk = await gate.talk(data[:-300])
    for at in range(len(data) - 300, len(data), 20):
        await asyncio.sleep(0.04)
        talk.writer.write(data[at : at + 20])
    assert b"200 OK" in await talk.until(b'"finish"')


async def test_an_idle_connection_is_closed(serve: Any, served: Any, body: Any) -> None:
    """Between two requests a client may wait, but not for ever: closed without a word."""
    gate = await serve(slow=SLOW)
    lean, full = await gate.talk(gate.request("/chat", body("parrot/small"))), await gate.talk(GET)
    await lean.until(b'"finish"')
    await full.until(b'["')
    for talk in (lean, full):
        talk.seen = b""
        assert await ended(served, talk) == b""
