"""An Upgrade is never granted: the request is served as if nobody had asked, and it is the connection's last."""

from __future__ import annotations

from typing import Any

import pytest

ASKS = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAEAAEAAAAIAAAAB"}


@pytest.mark.parametrize("cut", [0, 1, 40])
async def test_request_is_served_and_the_connection_closed(serve: Any, served: Any, body: Any, cut: int) -> None:
    """What JVM clients send to a plain-text server, body in one piece or two: an answer, and nothing after it."""
    gate = await serve()
    sent = body("parrot/small")
    data = gate.request("/chat", sent, **ASKS)
    talk = await gate.talk(data[: len(data) - cut])
    await talk.writer.drain()
    talk.writer.write(data[len(data) - cut :] + gate.request("/chat", sent))
    answer = served.parse(await talk.rest())
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert answer.complete


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"1.2", b"3.0"])
async def test_other_versions_are_refused(serve: Any, served: Any, body: Any, version: bytes) -> None:
    """Only HTTP/1.0 and 1.1 are spoken: any other gets an error in HTTP/1.x and the connection's end; no attempt is made."""
    gate = await serve()
    sent = gate.request("/chat", body("parrot/small")).replace(b"HTTP/1.1", b"HTTP/" + version)
    raw = await gate.raw(sent)
    assert raw.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    answer = served.parse(raw)
    assert answer.status in {400, 505}
    assert answer.complete
    assert gate.log.exchanges == []
