"""Bodies around the lean lane's limit: the same answers on either side of it, and the same request at the provider."""

from __future__ import annotations

from typing import Any

import pytest

from llmgate_core.testing import Reply, ScriptedUpstream
from llmgate_core.wire.lean_server import LONGEST_BODY

SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}


def padded(body: Any, size: int) -> bytes:
    """A request of exactly ``size`` bytes."""
    short: bytes = body("one/m", "")
    made: bytes = body("one/m", "x" * (size - len(short)))
    assert len(made) == size
    return made


@pytest.mark.parametrize(
    ("size", "handed_over"), [(100_000, False), (LONGEST_BODY, False), (LONGEST_BODY + 1, True), (5_000_000, True)]
)
async def test_large_body_arrives_whole(serve: Any, served: Any, body: Any, size: int, *, handed_over: bool) -> None:
    """All of it reaches the provider, whichever lane it took; a small request after it on the same connection, too."""
    async with ScriptedUpstream(Reply.of(SAID), Reply.of(SAID)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        sent = padded(body, size)
        talk = await gate.talk(gate.request("/chat", sent))
        await talk.until(b'"finish"')
        full = gate.server._lane._full
        assert bool(full is not None and full.ours) is (handed_over or not gate.server._lane.use_lean)
        talk.seen = b""
        talk.writer.write(gate.request("/chat", body("one/m", "small")))
        await talk.until(b'"finish"')
    large, small = upstream.requests
    assert (large.json["text"], small.json["text"]) == ("x" * (size - len(body("one/m", ""))), "small")
    assert [name for name, _ in large.raw_headers] == [name for name, _ in small.raw_headers]


@pytest.mark.parametrize("size", [200_000, LONGEST_BODY + 1])
async def test_too_large_is_refused_before_it_is_read(serve: Any, served: Any, body: Any, size: int) -> None:
    """A body above ``max_body`` gets 413 and the connection's end, without an attempt."""
    gate = await serve(max_body=150_000)
    data = gate.request("/chat", padded(body, size))
    answer = served.parse(await gate.raw(data[:1000]))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert gate.log.attempts == []
