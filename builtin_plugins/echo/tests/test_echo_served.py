"""The echo behind a real gateway, over a real socket."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import said, say
from llmgate_echo import EchoPlugin


async def test_the_first_minute(serve_gateway: ServeGateway) -> None:
    """Without any config: the model is listed, answers whole, and answers in a stream with the same text."""
    async with serve_gateway(plugins=[EchoPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        async with client.get("/plain/models") as listed:
            assert "echo/echo" in (await listed.json())["models"]
        async with client.post("/plain/chat", json=say("good day", "echo/echo")) as whole:
            assert (whole.status, said(await whole.read())) == (200, "good day")
        async with client.post("/plain/chat", json=say("good day", "echo/echo", stream=True)) as stream:
            frames = [
                json.loads(part[6:]) for part in (await stream.text()).split("\n\n") if part.startswith("data: {")
            ]
    assert "".join(frame["text"] for frame in frames if frame["type"] == "BlockDelta") == "good day"
    assert frames[-1]["usage"]["output_tokens"] == 2


async def test_failures_are_answered_as_a_providers(serve_gateway: ServeGateway) -> None:
    """The status, when to come back, and what it is called."""
    async with serve_gateway(plugins=[EchoPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        found: dict[str, Any] = {}
        for model in ("fail-429-7s", "fail-500", "fail-401", "fail-400", "cut-1", "nothing-like-it"):
            async with client.post("/plain/chat", json=say("hi", f"echo/{model}")) as answer:
                told = await answer.json()
                found[model] = (answer.status, told["error"]["code"], answer.headers.get("retry-after"))
    assert found == {
        "fail-429-7s": (429, "rate_limit_exceeded", "7"),
        "fail-500": (502, "upstream_500", None),
        "fail-401": (502, "upstream_authentication", None),
        "fail-400": (400, "upstream_400", None),
        "cut-1": (502, "upstream_stream_interrupted", None),
        "nothing-like-it": (404, "model_not_found", None),
    }


async def test_a_cut_stream_ends_with_an_error(serve_gateway: ServeGateway) -> None:
    """What was said stays, and the last frame says that it broke off."""
    body = say("one two three", "echo/cut-2", stream=True)
    async with (
        serve_gateway(plugins=[EchoPlugin]) as server,
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=body) as stream,
    ):
        text = await stream.text()
    assert '"one"' in text
    assert '" two"' in text
    assert "three" not in text
    assert "upstream_stream_interrupted" in text.split("\n\n")[-2]


async def test_a_stall_ends_with_the_gateway(serve_gateway: ServeGateway) -> None:
    """A stream that would say nothing for ever is cancelled when the time to finish is over; nothing is left running."""
    async with aiohttp.ClientSession() as client:
        async with serve_gateway(plugins=[EchoPlugin], grace=0.05) as server:
            body = say("one two three", "echo/stall-1", stream=True)
            stream = await client.post(f"{server.url}/plain/chat", json=body)
            seen = b""
            while b'"one"' not in seen:
                seen += await stream.content.readany()
            assert server.gateway.active == 1
        assert server.gateway.active == 0
        stream.close()
