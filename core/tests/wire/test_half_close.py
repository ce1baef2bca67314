"""A client that says all it has to say and closes its sending side gets all its answers, in order, on either lane."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

GET = b"GET /models HTTP/1.1\r\nhost: g\r\n\r\n"


def statuses(data: bytes) -> list[int]:
    """The statuses of all final answers in ``data``."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().lower().split("\r\n")
        lengths = [int(line.split(":")[1]) for line in lines if line.startswith("content-length:")]
        data = data[sum(lengths) :]
        if not first.startswith("http/1.1 100"):
            found.append(int(first.split()[1]))
    return found


@pytest.mark.parametrize("order", ["ppp", "pgp", "ppg", "gpp", "ggg", "p", "g", "pgpgpgpgpgpgpgpgpgpg"])
@pytest.mark.parametrize("apart", [False, True], ids=["in-one-write", "in-many"])
async def test_all_are_answered_and_then_closed(
    serve: Any, served: Any, body: Any, order: Sequence[str], *, apart: bool
) -> None:
    """Requests for either lane in one go, then the half-close: as many answers as requests, in order, then the end."""
    gate = await serve()
    post = gate.request("/chat", body("parrot/small"))
    pieces = [post if one == "p" else GET for one in order]
    talk = await gate.talk()
    for piece in pieces if apart else [b"".join(pieces)]:
        talk.writer.write(piece)
        await talk.writer.drain()
    talk.writer.write_eof()
    async with asyncio.timeout(served.PATIENCE):
        answers = await talk.rest()
    assert statuses(answers) == [200] * len(order)
    marks = {b'"text":"hi "': "p", b'["': "g"}
    places = sorted((at, kind) for mark, kind in marks.items() for at in positions(answers, mark))
    assert [kind for _, kind in places] == list(order)


def positions(data: bytes, mark: bytes) -> list[int]:
    """Where ``mark`` stands in ``data``."""
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


@pytest.mark.parametrize("order", ["p", "pp", "pg", "pgp", "pgg"])
async def test_end_comes_while_the_first_is_answered(
    serve: Any, served: Any, plugin: Any, body: Any, order: Sequence[str]
) -> None:
    """The client's end is known before the first answer is: the others are answered all the same, then it ends."""
    entered, let = asyncio.Event(), asyncio.Event()

    async def wait(self: Any) -> None:
        entered.set()
        await let.wait()

    gate = await serve(plugin(llmgate_pre_request=wait))
    post = gate.request("/chat", body("parrot/small"))
    talk = await gate.talk(b"".join(post if one == "p" else GET for one in order))
    talk.writer.write_eof()
    await entered.wait()
    await talk.until(b"100 Continue")  # what is written to learn whether the client has left
    let.set()
    async with asyncio.timeout(served.PATIENCE):
        assert statuses(await talk.rest()) == [200] * len(order)


async def test_half_a_request_is_not_waited_for(serve: Any, body: Any) -> None:
    """The end comes inside a second request: the first is answered, and the connection ends without another answer."""
    gate = await serve()
    post = gate.request("/chat", body("parrot/small"))
    assert statuses(await gate.raw(post + post[:-5], half_close=True)) == [200]
    assert statuses(await gate.raw(post + post[:20], half_close=True)) == [200]
    assert statuses(await gate.raw(post[:-5], half_close=True)) == []
