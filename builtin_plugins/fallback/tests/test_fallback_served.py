"""Falling back in a real gateway, from a scripted provider to one that answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from llmgate_core.testing import Answer, CloseWithoutReply, Reply, ScriptedUpstream, ServedGateway, ServeGateway
from llmgate_core.testing.plain import PlainPlugin, said, say
from llmgate_fallback import FallbackPlugin

Serve = Callable[..., AbstractAsyncContextManager[ServedGateway]]
DOWN = Reply.of({"error": {"message": "down"}}, 503)
WRONG = Reply.of({"error": {"message": "no such field"}}, 400)


@pytest.fixture
def served(serve_gateway: ServeGateway) -> Serve:
    """``served(upstream, default=…)``: the scripted upstream is the provider ``plain``; keywords are the plugin's config."""

    def serve(upstream: ScriptedUpstream, **fallback: Any) -> AbstractAsyncContextManager[ServedGateway]:
        config = {"providers": {"plain": {"base_url": upstream.url}}, "plugins": {"fallback": fallback}}
        return serve_gateway(config, plugins=[PlainPlugin, FallbackPlugin], plain=False)

    return serve


async def ask(server: ServedGateway, body: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of one answer."""
    async with (
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=body) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("fault", [DOWN, CloseWithoutReply()])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_next_target_answers(served: Serve, fault: Answer, *, stream: bool) -> None:
    """A configured chain, after a status and after a broken connection, streamed or not."""
    with ScriptedUpstream(fault) as upstream:
        async with served(upstream, models={"plain/x": ["parrot/any"]}) as server:
            status, _, body = await ask(server, say("hi", "plain/x", stream=stream))
        assert status == 200
        assert b"hi" in body
        assert len(upstream.requests) == 1


async def test_a_requests_own_list_is_obeyed_and_kept_here(served: Serve) -> None:
    """The field leads to the next target, and the provider never sees it."""
    with ScriptedUpstream(DOWN) as upstream:
        async with served(upstream) as server:
            status, _, body = await ask(server, say("hi", "plain/x", fallbacks=["parrot/any"]))
        assert (status, said(body)) == (200, "hi")
        assert "fallbacks" not in upstream.requests[0].json


async def test_a_wrong_list_is_a_400(served: Serve) -> None:
    """It names the field, and nobody was asked."""
    with ScriptedUpstream() as upstream:
        async with served(upstream) as server:
            status, _, body = await ask(server, say("hi", "plain/x", fallbacks="parrot/any"))
        assert (status, json.loads(body)["error"]["param"]) == (400, "fallbacks")
        assert upstream.requests == []


async def test_the_requests_own_fault_stays(served: Serve) -> None:
    """A 400 is answered as it is, though there would be another target."""
    with ScriptedUpstream(WRONG) as upstream:
        async with served(upstream, default=["parrot/any"]) as server:
            status, _, _ = await ask(server, say("hi", "plain/x"))
        assert status == 400
