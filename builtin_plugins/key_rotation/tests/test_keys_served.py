"""Rotation in a real gateway, at a scripted provider that sees the keys."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from llmgate_core.testing import Reply, ScriptedUpstream, ServeGateway
from llmgate_core.testing.http1 import Received
from llmgate_core.testing.plain import PlainPlugin, said, say, told
from llmgate_key_rotation import KeyRotationPlugin

KEYS = [{"value": "sk-canary-1", "name": "one"}, {"value": "sk-canary-2", "name": "two", "weight": 1e-12}]


def config(upstream: ScriptedUpstream) -> dict[str, Any]:
    """Two keys, of which the second is all but never drawn first."""
    return {"providers": {"plain": {"base_url": upstream.url, "keys": KEYS}}}


def key_of(request: Received) -> str:
    """The key that a request came with."""
    return str(request.headers["authorization"]).removeprefix("Plain ")


@pytest.mark.parametrize(("status", "state"), [(429, "resting"), (401, "retired"), (403, "retired")])
async def test_another_key_answers_at_once(serve_gateway: ServeGateway, status: int, state: str) -> None:
    """The client notices nothing, the next request does not try the first key, the gauge tells it by name."""
    fault = Reply.of({"error": {"message": "sk-canary-1 is bad"}}, status, {"retry-after": "60"})
    with ScriptedUpstream(fault, told("yes"), told("again")) as upstream:
        served = serve_gateway(config(upstream), plugins=[KeyRotationPlugin])
        async with served as server, aiohttp.ClientSession(server.url) as client:
            for text in ("yes", "again"):
                async with client.post("/plain/chat", json=say("hi", "plain/x")) as answer:
                    assert (answer.status, said(await answer.read())) == (200, text)
            (gauge,) = [one for one in server.gateway.registry.gauges if one.name == "llmgate_key_state"]
            assert [labels for labels, value in gauge.read() if value] == [
                ("plain", "one", state),
                ("plain", "two", "active"),
            ]
        assert [key_of(request) for request in upstream.requests] == ["sk-canary-1", "sk-canary-2", "sk-canary-2"]


async def test_when_all_rest_the_client_is_told_how_long(serve_gateway: ServeGateway) -> None:
    """First the provider's 429, with the time when the first key wakes; then no call at all, and the same time."""
    limits = [Reply.of({"error": {"message": "slow down"}}, 429, {"retry-after": wait}) for wait in ("3000", "2000")]
    with ScriptedUpstream(*limits) as upstream:
        served = serve_gateway(config(upstream), plugins=[KeyRotationPlugin])
        async with served as server, aiohttp.ClientSession(server.url) as client:
            seen = []
            for _ in range(2):
                async with client.post("/plain/chat", json=say("hi", "plain/x")) as answer:
                    text = await answer.text()
                    seen.append((answer.status, 1900 < int(answer.headers["retry-after"]) <= 2000))
                    assert "sk-canary" not in text
        assert seen == [(429, True), (503, True)]
        assert len(upstream.requests) == 2


async def test_all_resting_moves_on(serve_gateway: ServeGateway) -> None:
    """With another target in the plan, that one is asked."""

    class TwoTargets:
        """Plans a second target behind the first."""

        def llmgate_select_provider(self, targets: Any) -> Any:
            """Append the parrot."""
            from llmgate_core import Target

            return (*targets, Target("parrot", "any"))

    refused = Reply.of({"error": {"message": "no"}}, 401)
    with ScriptedUpstream(refused, refused) as upstream:
        served = serve_gateway(
            config(upstream),
            plugins={"plain": PlainPlugin, "two": TwoTargets, "key_rotation": KeyRotationPlugin},
            plain=False,
        )
        async with served as server, aiohttp.ClientSession(server.url) as client:
            statuses = []
            for _ in range(2):
                async with client.post("/plain/chat", json=say("hi", "plain/x")) as answer:
                    statuses.append(answer.status)
        # the refusal itself is for a fallback plugin to judge; keys that rest are not
        assert statuses == [502, 200]
