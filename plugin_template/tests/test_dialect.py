"""The dialect held to its contract, then spoken over HTTP."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from llmgate_core.testing import DialectContract, ServeGateway
from llmgate_example.dialect import ExampleDialect, ExamplePlugin

QUESTION: dict[str, Any] = {
    "model": "parrot/any",
    "turns": [{"who": "system", "text": "Be brief."}, {"who": "user", "text": "Is it raining in Turin?"}],
}
TOOLS: dict[str, Any] = {
    "model": "some-model",
    "turns": [
        {"who": "user", "text": "Is it raining?"},
        {"who": "assistant", "text": "Let me see.", "calls": [{"id": "c1", "name": "rain", "arguments": "{}"}]},
        {"who": "tool", "call": "c1", "text": "yes"},
    ],
    "tools": [{"name": "rain", "description": "Tells whether it rains.", "parameters": {"type": "object"}}],
    "max_tokens": 100,
    "stream": True,
}
ANSWER: dict[str, Any] = {
    "id": "a1",
    "model": "some-model",
    "end": "tool_calls",
    "text": "Let me see.",
    "calls": [{"id": "c1", "name": "rain", "arguments": "{}"}],
    "tokens": {"input": 12, "output": 7, "cached": 3},
}
FRAMES: tuple[dict[str, Any], ...] = (
    {"id": "a1", "model": "some-model"},
    {"text": "Sì, "},
    {"text": "it is."},
    {"call": {"id": "c1", "name": "rain", "arguments": "{}"}},
    {"end": "stop", "tokens": {"input": 12, "output": 7}},
)
STREAM = "".join(f"data: {json.dumps(frame, ensure_ascii=False)}\n\n" for frame in FRAMES).encode()


class TestExampleDialect(DialectContract):
    """What every dialect must hold to, with true samples of this one's wire."""

    request_bodies = (QUESTION, TOOLS)
    response_bodies = (ANSWER,)
    stream_bodies = (STREAM,)
    error_bodies = ((429, {"error": {"message": "slow down", "kind": "rate_limit", "status": 429}}),)

    @pytest.fixture
    def dialect(self) -> ExampleDialect:
        """The dialect under test."""
        return ExampleDialect()


async def ask(url: str, body: Any) -> tuple[int, str]:
    """Status and body of one answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/example/chat", json=body) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.asyncio
async def test_any_model_answers_in_this_dialect(serve_gateway: ServeGateway) -> None:
    """The kit's parrot, which has never heard of this format, answers in it."""
    async with serve_gateway(plugins=[ExamplePlugin]) as server:
        status, body = await ask(server.url, QUESTION)
        assert status == 200
        assert json.loads(body)["text"] == "Is it raining in Turin?"


@pytest.mark.asyncio
async def test_stream_is_in_this_dialect(serve_gateway: ServeGateway) -> None:
    """A stream begins with its id, has the text, and ends with the tokens."""
    async with serve_gateway(plugins=[ExamplePlugin]) as server:
        status, body = await ask(server.url, {**QUESTION, "stream": True})
        frames = [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line]
        assert status == 200
        assert frames[0]["model"] == "any"
        assert "".join(frame.get("text", "") for frame in frames) == "Is it raining in Turin?"
        assert frames[-1] == {"end": "stop", "tokens": {"input": 1, "output": 1}}


@pytest.mark.asyncio
async def test_mistake_is_told_in_this_dialect(serve_gateway: ServeGateway) -> None:
    """A turn of nobody is a 400 that says where."""
    async with serve_gateway(plugins=[ExamplePlugin]) as server:
        status, body = await ask(server.url, {**QUESTION, "turns": [{"who": "nobody"}]})
        assert status == 400
        assert "$.turns[0].who" in json.loads(body)["error"]["message"]
