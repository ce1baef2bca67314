"""Connections are accepted in crowds."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from llmgate_core.wire.listener import Listener

CROWD = 100
# the clients must be there before the loop takes its next turn
UNGUARDED = pytest.mark.llmgate_unguarded("blocking")


class Greeted(asyncio.Protocol):
    """Counts the connections that were made."""

    def __init__(self, made: list[Any]) -> None:
        self._made = made

    def connection_made(self, transport: Any) -> None:
        """One more."""
        self._made.append(transport)


@UNGUARDED
async def test_a_crowd_is_accepted_at_one_wake_up() -> None:
    """Turns of the loop are long under load: a hundred clients must not need a hundred of them."""
    made: list[Any] = []
    sock = socket.create_server(("127.0.0.1", 0))
    listener = Listener(sock, lambda: Greeted(made))
    clients = [socket.create_connection(sock.getsockname()) for _ in range(CROWD)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(made) == CROWD
    nodelay = {one.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in made}
    assert 0 not in nodelay
    await listener.close()
    await listener.close()
    for transport in made:
        transport.close()
    for client in clients:
        client.close()


@UNGUARDED
async def test_nobody_is_accepted_after_closing() -> None:
    """A closed listener refuses."""
    sock = socket.create_server(("127.0.0.1", 0))
    address = sock.getsockname()
    listener = Listener(sock, lambda: Greeted([]))
    await listener.close()
    with socket.socket() as client:
        assert client.connect_ex(address) == errno.ECONNREFUSED
