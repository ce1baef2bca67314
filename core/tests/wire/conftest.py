"""One request straight to a provider, on whichever way to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import pytest

from llmgate_core.provider import Timeouts, UpstreamRequest
from llmgate_core.upstream import Upstream

Ask = Callable[..., Coroutine[Any, Any, bytes]]


@pytest.fixture
def ask() -> Ask:
    """``await ask(way, url)``: the body of the answer to one request; a third argument are other ``Timeouts``."""

    async def run(way: Upstream, url: str, timeouts: Timeouts | None = None) -> bytes:
        request = UpstreamRequest("POST", f"{url}/x", {"content-type": "application/json"}, b"{}")
        reply = await way.send(request, timeouts or Timeouts(connect=5, first_byte=5, idle=5), monotonic() + 10)
        try:
            return bytes(await reply.read(1000, 5, monotonic() + 10))
        finally:
            reply.close()

    return run
