"""One request to a provider that fails as told, on both lanes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from attrs import frozen

from llmgate_core import Next, Retry
from llmgate_core.testing import ScriptedUpstream


@frozen
class Asked:
    """What came of one request: ``answer`` to the client, ``gate`` that served, ``upstream`` that was asked."""

    answer: Any
    gate: Any
    upstream: ScriptedUpstream

    @property
    def results(self) -> list[str]:
        """The classes of the attempts made."""
        found: list[str] = self.gate.log.results
        return found

    async def provider_left(self, number: int = 0) -> None:
        """Wait until the gateway has closed the connection of this request to the provider."""
        async with asyncio.timeout(10):
            await asyncio.wrap_future(self.upstream.requests[number].left)


@pytest.fixture
def go_on(plugin: Callable[..., type[Any]]) -> type[Any]:
    """A plugin that always goes on to the next target."""
    return plugin(llmgate_on_error=lambda self, exchange, error: Next())


@pytest.fixture
def again(plugin: Callable[..., type[Any]]) -> type[Any]:
    """A plugin that always wants the same target once more, at once."""
    return plugin(llmgate_on_error=lambda self, exchange, error: Retry())


@pytest.fixture
async def ask(serve: Any) -> AsyncIterator[Callable[..., Any]]:
    """``await ask(Reset(), stream=True)``: provider ``one`` plays the answers; ``odd`` asks in the other dialect."""
    async with AsyncExitStack() as stack:

        async def run(
            *answers: Any,
            plugins: tuple[Any, ...] = (),
            model: str = "one/m",
            stream: bool = False,
            odd: bool = False,
            timeouts: dict[str, float] | None = None,
            path: str | None = None,
            **gateway: Any,
        ) -> Asked:
            upstream = await stack.enter_async_context(ScriptedUpstream(*answers))
            one = {"type": "toy", "base_url": upstream.url, "timeouts": timeouts or {}}
            gate = await serve(*plugins, providers={"one": one}, **gateway)
            sent = {"model": model, "say" if odd else "text": "hi there", "stream": stream}
            answer = await gate.post(path or ("/say" if odd else "/chat"), json.dumps(sent).encode())
            return Asked(answer, gate, upstream)

        yield run
