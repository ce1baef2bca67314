"""Retries in a real gateway, at a scripted provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from llmgate_core.testing import Answer, CloseWithoutReply, Reply, Reset, ScriptedUpstream, ServedGateway, ServeGateway
from llmgate_core.testing.plain import said, say, told
from llmgate_retry import RetryPlugin


def failing(status: int, **headers: str) -> Reply:
    """An error answer."""
    return Reply.of({"error": {"message": "no"}}, status, headers)


def config(upstream: ScriptedUpstream, **retry: Any) -> dict[str, Any]:
    """A provider that is the scripted upstream, and retries that do not take long."""
    return {"providers": {"plain": {"base_url": upstream.url}}, "plugins": {"retry": {"base_delay": 0.001, **retry}}}


async def ask(server: ServedGateway, body: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of one answer."""
    async with (
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=body) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("fault", [failing(503), failing(429, **{"retry-after-ms": "5"}), Reset(), CloseWithoutReply()])
async def test_what_passes_is_not_seen(serve_gateway: ServeGateway, fault: Answer) -> None:
    """One failure, and the client gets its answer; the second try is byte for byte the first."""
    with ScriptedUpstream(fault, told("at last")) as upstream:
        async with serve_gateway(config(upstream), plugins=[RetryPlugin]) as server:
            status, _, body = await ask(server, say("hi", "plain/x"))
        assert (status, said(body)) == (200, "at last")
        first, second = upstream.requests
        assert first.body == second.body


async def test_tries_end_and_the_client_is_told_not_to_go_on(serve_gateway: ServeGateway) -> None:
    """Three attempts; then the error, with the word that official SDKs obey."""
    with ScriptedUpstream(respond=lambda _: failing(500)) as upstream:
        async with serve_gateway(config(upstream, max_retries=2), plugins=[RetryPlugin]) as server:
            status, headers, _ = await ask(server, say("hi", "plain/x"))
        assert (status, headers["x-should-retry"]) == (502, "false")
        assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (failing(400), 400),
        (failing(401), 502),
        (failing(422), 422),
        (failing(429, **{"retry-after": "99"}), 429),
        (failing(503, **{"x-should-retry": "false"}), 503),
    ],
)
async def test_what_does_not_pass_is_asked_once(serve_gateway: ServeGateway, answer: Reply, status: int) -> None:
    """And the wait that is too long is handed to the client."""
    with ScriptedUpstream(respond=lambda _: answer) as upstream:
        async with serve_gateway(config(upstream), plugins=[RetryPlugin]) as server:
            seen, headers, _ = await ask(server, say("hi", "plain/x"))
        assert (seen, headers.get("retry-after")) == (
            status,
            answer.headers.get("retry-after", "5" if status == 503 else None),
        )
        assert len(upstream.requests) == 1
