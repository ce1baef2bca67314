"""Requests run in a task of their own, or without one: whichever it is, plugins find what they were promised."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from llmgate_core import Exchange
from llmgate_core.native import native
from llmgate_core.testing import Reply, ScriptedUpstream

HELLO = Reply(200, b'{"id":"1","model":"m","text":"Hello","finish":"stop"}')
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="")


async def test_an_async_hook_has_a_task(serve: Any, plugin: Any, body: Any) -> None:
    """A plugin that waits may use timeouts and task groups."""

    async def pre_request(self: Any, exchange: Exchange) -> None:
        assert asyncio.current_task() is not None
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))

    async with ScriptedUpstream(HELLO, HELLO, HELLO) as upstream:
        gate = await serve(
            plugin(llmgate_pre_request=pre_request), providers={"one": {"type": "toy", "base_url": upstream.url}}
        )
        assert gate.gateway.may_wait
        answers = [await gate.post("/chat", body("one/m")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("waits", [False, True])
async def test_context_variables_are_a_requests_own(serve: Any, plugin: Any, body: Any, *, waits: bool) -> None:
    """What one request sets, its later hooks see; on the lean lane the next request over the connection does not.

    aiohttp has one task, and so one context, for all requests of a connection.
    """
    seen: list[tuple[str, str]] = []

    def pre_request(self: Any, exchange: Exchange) -> None:
        before = MARK.get()
        MARK.set(exchange.id)
        seen.append((before, ""))

    def post_response(self: Any, exchange: Exchange) -> None:
        seen.append((exchange.id, MARK.get()))

    async def waiting(self: Any, exchange: Exchange) -> None:
        await asyncio.sleep(0)

    hooks = {"llmgate_attempt_done": waiting} if waits else {}
    async with ScriptedUpstream(HELLO, HELLO, HELLO) as upstream:
        gate = await serve(
            plugin(llmgate_pre_request=pre_request, llmgate_post_response=post_response, **hooks),
            providers={"one": {"type": "toy", "base_url": upstream.url}},
        )
        assert gate.gateway.may_wait is (waits or not gate.is_lean)  # aiohttp wants tasks, too
        once = gate.request("/chat", body("one/m"))
        got = await gate.raw(once * 2 + gate.request("/chat", body("one/m"), connection="close"))
    assert got.count(b"200 OK") == 3
    assert seen[::2] == [("", "")] * 3 or not gate.is_lean
    assert all(own == kept for own, kept in seen[1::2])


@pytest.mark.skipif(native is None, reason="not built")
async def test_without_async_hooks_no_request_needs_a_task(serve: Any, plugin: Any, body: Any) -> None:
    """The lean lane steps such requests itself; the full lane's are in aiohttp's task."""
    tasks: list[object] = []
    async with ScriptedUpstream(HELLO, HELLO, HELLO) as upstream:
        gate = await serve(
            plugin(llmgate_pre_request=lambda self, exchange: tasks.append(asyncio.current_task())),
            providers={"one": {"type": "toy", "base_url": upstream.url}},
        )
        answer = await gate.post("/chat", body("one/m"))
    assert answer.status == 200
    assert (tasks == [None]) is gate.is_lean
