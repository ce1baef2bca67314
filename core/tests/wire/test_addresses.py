"""Finding a provider: addresses of either family, and hosts of which only some answer."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from llmgate_core.testing import Reply, ScriptedUpstream
from llmgate_core.upstream_errors import UpstreamConnectError
from llmgate_core.wire.lean_upstream import LeanUpstream
from llmgate_core.wire.upstream import AiohttpUpstream

if TYPE_CHECKING:
    from core.tests.wire.conftest import Ask

OK = Reply(body=b"fine")
Way = LeanUpstream | AiohttpUpstream


@pytest.fixture(params=["lean", "full"])
async def way(request: pytest.FixtureRequest) -> AsyncIterator[LeanUpstream | AiohttpUpstream]:
    """Either way to providers."""
    made = LeanUpstream() if request.param == "lean" else AiohttpUpstream()
    await made.open()
    yield made
    await made.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_ipv6_literal(way: Way, ask: Ask) -> None:
    """An address in brackets is connected to, and sent as the host."""
    async with ScriptedUpstream(OK, host="::1") as upstream:
        assert await ask(way, upstream.url) == b"fine"
    assert upstream.requests[0].headers["host"] == f"[::1]:{upstream.port}"


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver knows the host ``two.test``: the first of its addresses is the worse one."""
    resolve = socket.getaddrinfo

    def found(host: Any, port: Any, *more: Any, **options: Any) -> list[Any]:
        if host != "two.test":
            return list(resolve(host, port, *more, **options))
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port))) for address in ("127.0.0.2", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
async def test_the_first_address_refuses(way: Way, two_addresses: None, ask: Ask) -> None:
    """Then the second is tried."""
    async with ScriptedUpstream(OK) as upstream:
        assert await ask(way, f"http://two.test:{upstream.port}") == b"fine"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
async def test_the_first_address_is_a_black_hole(way: Way, two_addresses: None, ask: Ask) -> None:
    """The second is tried long before the first one's time is up: the connect limit would end it otherwise."""
    async with ScriptedUpstream(OK) as upstream:
        with socket.socket() as full, ExitStack() as fillers:
            full.bind(("127.0.0.2", upstream.port))
            full.listen(0)
            for _ in range(4):
                filler = fillers.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            assert await ask(way, f"http://two.test:{upstream.port}") == b"fine"


async def test_no_address_listens(way: Way, listener: socket.socket, ask: Ask) -> None:
    """All addresses refuse: not sent, and told so."""
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(UpstreamConnectError, match="no connection to http://localhost"):
        await ask(way, f"http://localhost:{port}")
