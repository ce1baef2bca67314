"""The whole way of a unary request, less the kernel: what a gateway adds to sockets, alone and with async plugins.

Run this file (it is for pyperf), or count instructions, which no other load on the machine changes::

    valgrind --tool=callgrind .venv/bin/python tests/bench/micro/way.py --count 640
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from time import perf_counter
from typing import Any, Final, Self

import pyperf  # type: ignore[import-untyped]  # it ships no types
import uvloop

from llmgate_cli.order import DEFAULT_ORDER
from llmgate_core import Plugin
from llmgate_core.config import make_config
from llmgate_core.plugins import Found, discover
from llmgate_core.startup import build_gateway
from llmgate_core.wire.lane import Lane, Serving
from llmgate_core.wire.lean_connection import LeanConnection
from llmgate_core.wire.lean_pool import LeanPool
from llmgate_core.wire.lean_server import LeanProtocol
from llmgate_core.wire.lean_upstream import LeanUpstream

CLIENTS: Final = 32
ASKED: Final = json.dumps({"model": "mock/m", "messages": [{"role": "user", "content": "Say hello. " * 20}]}).encode()
REQUEST: Final = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(ASKED), ASKED)
)
TOLD: Final = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1735689600, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello. " * 40}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 57, "completion_tokens": 80, "total_tokens": 137},
}).encode()  # fmt: skip
ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Sun, 22 Nov 2026 15:44:21 GMT\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(TOLD), TOLD)
)

CONFIG: Final[dict[str, Any]] = {
    "gateway": {"disable": ["example"]},
    "providers": {"mock": {"type": "openai", "base_url": "http://127.0.0.1:9/v1", "keys": ["k"]}},
    "plugins": {"access_log": {"file": os.devnull}},
}


class Waiting(Plugin):
    """A plugin whose hook is `async def`, and waits for nothing."""

    async def llmgate_pre_request(self) -> None:
        """Nothing."""


class End:
    """The end of a connection, without one: ``written`` is what came."""

    def __init__(self, written: list[End], protocol: Any) -> None:
        self._written = written
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        self._written.append(self)

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def close(self) -> None:
        """Nothing is open."""

    abort = close


class Way:
    """A gateway, its clients and a provider, with nothing between them."""

    def __init__(self, waiting: int) -> None:
        found = [*discover(), *(Found.of(Waiting, f"waiting_{number}") for number in range(waiting))]
        self._gateway = build_gateway(make_config(CONFIG), found=found, default_order=DEFAULT_ORDER)
        self._asked: list[End] = []
        self._answered: list[End] = []

    async def __aenter__(self) -> Self:
        async def connect(pool: Any) -> LeanConnection:
            connection = LeanConnection(pool._loop, pool._shapes, pool._outbox)
            connection.connection_made(End(self._asked, connection))
            return connection

        await self._gateway.open(LeanUpstream())
        LeanPool._connect = connect  # type: ignore[method-assign, assignment]  # the network is left out
        self._lane = Lane(Serving(self._gateway))
        self._clients = [LeanProtocol(self._lane) for _ in range(CLIENTS)]
        for client in self._clients:
            client.connection_made(End(self._answered, client))
        for _ in range(20):
            await self.round()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._lane.stop()
        await self._gateway.close()

    async def round(self) -> None:
        """One request of each client, and its answer."""
        for client in self._clients:
            client.data_received(REQUEST)
        for end in await _all_of(self._asked):
            end.protocol.data_received(ANSWER)
        await _all_of(self._answered)


async def _all_of(ends: list[End]) -> list[End]:
    while len(ends) < CLIENTS:  # noqa: ASYNC110  # turns of the loop are all that there is to wait for
        await asyncio.sleep(0)
    taken, ends[:] = list(ends), []
    return taken


async def run(rounds: int, waiting: int) -> float:
    """Seconds that so many rounds take, with so many async plugins."""
    async with Way(waiting) as way:
        began = perf_counter()
        for _ in range(rounds):
            await way.round()
        return perf_counter() - began


def main() -> None:
    """With no async plugin, one and two."""
    if sys.argv[1:2] == ["--count"]:
        rounds = -(-int(sys.argv[2]) // CLIENTS)
        uvloop.run(run(rounds, 0))
        print(f"{rounds * CLIENTS} requests, after {20 * CLIENTS} to warm up")
        return
    runner = pyperf.Runner()
    for waiting in range(3):
        name = f"a request, with {waiting} async plugins"
        runner.bench_time_func(
            name, lambda rounds, number: uvloop.run(run(rounds, number)), waiting, inner_loops=CLIENTS
        )


if __name__ == "__main__":
    main()
