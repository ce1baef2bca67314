"""Faults before anything was sent: all of them may be tried elsewhere."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from llmgate_core.testing import Reply, ScriptedUpstream

SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
ASKED = b'{"model":"one/m","text":"hi"}'
FALLS_BACK = b'{"model":"one/m+parrot/small","text":"hi"}'


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


def tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """A server's side with a certificate for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's authorities are ours: what an administrator would set up for a private one."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """The port of a host that answers no handshake."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield full.getsockname()[1]
        for one in fillers:
            one.close()


async def both(serve: Any, go_on: Any, url: str, **timeouts: float) -> tuple[Any, Any]:
    """The answers without and with a healthy fallback; every attempt was not sent."""
    gate = await serve(go_on, providers={"one": {"type": "toy", "base_url": url, "timeouts": timeouts}})
    alone, helped = await gate.post("/chat", ASKED), await gate.post("/chat", FALLS_BACK)
    assert gate.log.results == ["not_sent", "not_sent", "ok"]
    assert (helped.status, helped.json["text"]) == (200, "hi ")
    return alone, gate


async def test_refused(serve: Any, go_on: Any, listener: Any) -> None:
    """Nobody listens."""
    port = listener.getsockname()[1]
    listener.close()
    answer, _ = await both(serve, go_on, f"http://127.0.0.1:{port}")
    assert (answer.status, answer.error["code"]) == (502, "upstream_connect_error")


async def test_f02_black_hole(serve: Any, go_on: Any, full_backlog: int) -> None:
    """The handshake is never answered: the connect limit ends it."""
    answer, _ = await both(serve, go_on, f"http://127.0.0.1:{full_backlog}", connect=0.2)
    assert (answer.status, answer.error["code"]) == (504, "upstream_connect_timeout")


@pytest.mark.llmgate_unguarded("network")
async def test_f03_no_such_host(serve: Any, go_on: Any) -> None:
    """A name that cannot exist is told as such, without the resolver's words."""
    answer, _ = await both(serve, go_on, "http://nobody.invalid", connect=5)
    assert (answer.status, answer.error["code"]) in {
        (502, "upstream_connect_error"),
        (504, "upstream_connect_timeout"),  # where no resolver answers at all
    }


async def test_tls_with_a_trusted_certificate(serve: Any, authority: trustme.CA, trusted: None) -> None:
    """What is right works, so that the refusals below mean something; the connection is kept."""
    async with ScriptedUpstream(Reply.of(SAID), Reply.of(SAID), tls=tls(authority, "127.0.0.1")) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        answers = [await gate.post("/chat", ASKED), await gate.post("/chat", ASKED)]
    assert [answer.status for answer in answers] == [200, 200]
    assert [request.connection for request in upstream.requests] == [0, 0]


async def test_f07_unknown_authority(serve: Any, go_on: Any, authority: trustme.CA) -> None:
    """A certificate nobody vouches for is refused, without its details; verification is never switched off."""
    async with ScriptedUpstream(tls=tls(authority, "127.0.0.1")) as upstream:
        answer, _ = await both(serve, go_on, upstream.url)
    assert (answer.status, answer.error["code"]) == (502, "upstream_tls_error")
    assert "self" not in answer.error["message"]
    assert upstream.requests == []


async def test_f08_certificate_for_another_host(serve: Any, go_on: Any, authority: trustme.CA, trusted: None) -> None:
    """The right authority, the wrong name."""
    async with ScriptedUpstream(tls=tls(authority, "other.example")) as upstream:
        answer, _ = await both(serve, go_on, upstream.url)
    assert (answer.status, answer.error["code"]) == (502, "upstream_tls_error")
    assert "other.example" not in answer.error["message"]
    assert upstream.requests == []


async def test_f09_handshake_stalls(serve: Any, go_on: Any, listener: Any) -> None:
    """The connection is accepted and nothing is said: the connect limit covers the TLS handshake."""
    port = listener.getsockname()[1]
    answer, _ = await both(serve, go_on, f"https://127.0.0.1:{port}", connect=0.2)
    assert (answer.status, answer.error["code"]) == (504, "upstream_connect_timeout")


async def test_f10_plaintext_on_a_tls_port(serve: Any, go_on: Any) -> None:
    """A server that speaks no TLS is refused."""
    async with ScriptedUpstream() as upstream:
        answer, _ = await both(serve, go_on, upstream.url.replace("http:", "https:"), connect=0.5)
        upstream._failure = None  # it complains about our handshake, rightly
    assert answer.status in {502, 504}
    assert answer.error["code"] in {"upstream_tls_error", "upstream_connect_error", "upstream_connect_timeout"}


async def test_f10_tls_on_a_plaintext_port(serve: Any, authority: trustme.CA) -> None:
    """The other way round: the request may have been read, so it counts as sent."""
    async with ScriptedUpstream(tls=tls(authority, "127.0.0.1")) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url.replace("https:", "http:")}})
        answer = await gate.post("/chat", ASKED)
    assert answer.status == 502
    assert gate.log.results == ["ambiguous"]
