"""Ids on the answers of a served gateway."""

from __future__ import annotations

import aiohttp

from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import say
from llmgate_request_id import RequestIdPlugin


async def test_clients_id_comes_back(serve_gateway: ServeGateway) -> None:
    """On a whole answer, on a stream, and on an error."""
    async with serve_gateway(plugins=[RequestIdPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        for body in (say(), say(stream=True), say(model="nobody")):
            async with client.post("/plain/chat", json=body, headers={"x-request-id": "mine-1"}) as answer:
                await answer.read()
                assert answer.headers.getall("x-request-id") == ["mine-1"]


async def test_id_sent_twice_is_replaced(serve_gateway: ServeGateway) -> None:
    """Two ids are none: the gateway's own comes back, another one each time."""
    async with serve_gateway(plugins=[RequestIdPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        seen = set()
        for _ in range(2):
            headers = [("x-request-id", "a"), ("x-request-id", "b")]
            async with client.post("/plain/chat", json=say(), headers=headers) as answer:
                seen.add(answer.headers["x-request-id"])
    assert len(seen) == 2
    assert all(own.startswith("req_") for own in seen)


async def test_another_header_carries_the_id_too(serve_gateway: ServeGateway) -> None:
    """Who looks for a correlation id finds it, also on an error."""
    config = {"plugins": {"request_id": {"header": "X-Correlation-Id"}}}
    async with serve_gateway(config, plugins=[RequestIdPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        for model in ("parrot/any", "nobody"):
            headers = {"x-correlation-id": "mine-2"}
            async with client.post("/plain/chat", json=say(model=model), headers=headers) as answer:
                assert answer.headers["x-correlation-id"] == answer.headers["x-request-id"] == "mine-2"
