"""Busy polling: for a while after a request the event loop looks for more without sleeping, then it sleeps again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmgate_core.config import ConfigError, make_config
from llmgate_core.testing import Reply, ScriptedUpstream

HELLO = Reply(200, b'{"id":"1","model":"m","text":"Hello","finish":"stop"}')
LONG = 10.0


@pytest.fixture
async def waits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """How long the loop was ready to sleep, one entry per turn (0: not at all; None: until something comes)."""
    seen: list[float | None] = []
    selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]  # asyncio's loop has one
    select = selector.select

    def watched(timeout: float | None = None) -> Any:
        seen.append(timeout)
        return select(timeout)

    monkeypatch.setattr(selector, "select", watched)
    return seen


@pytest.mark.parametrize("seconds", [0.0, 1.0])
async def test_the_loop_stays_awake_after_a_request(serve: Any, body: Any, waits: Any, seconds: float) -> None:
    """From a request on the loop never sleeps, if the configuration says so; otherwise it does as soon as it may."""
    async with ScriptedUpstream(respond=lambda _: HELLO) as upstream:
        providers = {"one": {"type": "toy", "base_url": upstream.url}}
        gate = await serve(providers=providers, busy_poll=seconds)
        for _ in range(2):
            assert (await gate.post("/chat", body("one/m"))).status == 200
        waits.clear()
        await asyncio.sleep(0.2)
        assert (set(waits) == {0}) is bool(seconds)


async def test_it_sleeps_again_when_the_time_is_over(serve: Any, body: Any, waits: Any) -> None:
    """And is awake again with the next request."""
    async with ScriptedUpstream(respond=lambda _: HELLO) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}}, busy_poll=0.5)
        for _ in range(2):
            assert (await gate.post("/chat", body("one/m"))).status == 200
            waits.clear()
            await asyncio.sleep(0.02)
            assert set(waits) == {0}
            async with asyncio.timeout(LONG):
                while set(waits) == {0}:
                    waits.clear()
                    await asyncio.sleep(0.01)


async def test_the_gateway_stops_while_it_polls(serve: Any, body: Any) -> None:
    """Nobody waits for the polling to end."""
    async with ScriptedUpstream(respond=lambda _: HELLO) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}}, busy_poll=1.0)
        assert (await gate.post("/chat", body("one/m"))).status == 200
        async with asyncio.timeout(LONG):
            await gate.stop()


@pytest.mark.parametrize("value", [-0.1, 1.5, "0.002"])
def test_how_long_it_may_be(value: Any) -> None:
    """A second at most: it is meant for microseconds, and a number in them is a mistake."""
    with pytest.raises(ConfigError, match=r"gateway\.busy_poll: "):
        make_config({"gateway": {"busy_poll": value}})
