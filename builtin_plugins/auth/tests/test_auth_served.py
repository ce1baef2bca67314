"""The door of a served gateway, and the start that is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from llmgate_auth import AuthPlugin
from llmgate_core.config import ConfigError, make_config
from llmgate_core.plugins import Found
from llmgate_core.startup import build_gateway
from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import say

KEY = "k-7f3a9b2c5d8e1f04"
KEYS = [{"name": "app", "key": KEY}]


async def test_key_opens_the_door(serve_gateway: ServeGateway) -> None:
    """With keys in the config nobody gets in without one, on a loopback address too."""
    config = {"plugins": {"auth": {"keys": KEYS}}}
    async with serve_gateway(config, plugins=[AuthPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        async with client.post("/plain/chat", json=say(), headers={"x-api-key": KEY}) as answer:
            assert answer.status == 200
        async with client.post("/plain/chat", json=say()) as answer:
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert (await answer.json())["error"]["code"] == "missing_api_key"
        async with client.get("/plain/models") as answer:
            assert answer.status == 401


async def test_header_sent_twice_is_400(serve_gateway: ServeGateway) -> None:
    """Two authorizations, even two good ones, are refused."""
    config = {"plugins": {"auth": {"keys": KEYS}}}
    twice = [("authorization", f"Bearer {KEY}"), ("authorization", f"Bearer {KEY}")]
    async with (
        serve_gateway(config, plugins=[AuthPlugin]) as server,
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=say(), headers=twice) as answer,
    ):
        assert answer.status == 400
        assert KEY not in await answer.text()


@pytest.mark.parametrize("key", [b"\xff\xfe\xfd", "é".encode(), b"' OR '1'='1", b"x" * 7000])
async def test_key_of_any_bytes_is_401(serve_gateway: ServeGateway, key: bytes) -> None:
    """Bytes that are no UTF-8, quotes, kilobytes: a clear answer, and the gateway lives."""
    config = {"plugins": {"auth": {"keys": KEYS}}}
    async with serve_gateway(config, plugins=[AuthPlugin]) as server:
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /plain/models HTTP/1.1\r\nhost: x\r\nx-api-key: " + key + b"\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert key not in answer


async def test_no_keys_on_loopback_is_an_open_door(serve_gateway: ServeGateway) -> None:
    """The first minute needs no key, and whatever key an SDK insists on sending is not looked at."""
    async with (
        serve_gateway(plugins=[AuthPlugin]) as server,
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=say(), headers={"authorization": "Bearer any"}) as answer,
    ):
        assert answer.status == 200


async def test_switched_off_is_off(serve_gateway: ServeGateway) -> None:
    """``enabled = false`` asks for nothing although there are keys."""
    config = {"plugins": {"auth": {"keys": KEYS, "enabled": False}}}
    async with (
        serve_gateway(config, plugins=[AuthPlugin]) as server,
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=say()) as answer,
    ):
        assert answer.status == 200


def opening(host: str, **section: Any) -> Any:
    """The plugin's part of a start on this address; nothing is bound."""
    config = make_config({"gateway": {"host": host}, "plugins": {"auth": section}})
    gateway = build_gateway(config, found=[Found.of(AuthPlugin, "auth")], environ={})
    (loaded,) = gateway.plugins
    return loaded.instance.llmgate_lifespan(gateway)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example"])
@pytest.mark.parametrize("section", [{}, {"enabled": False}, {"enabled": False, "keys": KEYS}])
async def test_public_address_without_keys_is_refused(host: str, section: dict[str, Any]) -> None:
    """The start ends with what is wrong, where, and the ways out."""
    with pytest.raises(ConfigError) as caught:
        async with opening(host, **section):
            pass
    text = str(caught.value)
    assert host in text
    assert "[[plugins.auth.keys]]" in text
    assert "127.0.0.1" in text
    assert "allow_public_without_auth" in text


@pytest.mark.parametrize(
    ("host", "section"),
    [
        ("0.0.0.0", {"keys": KEYS}),
        ("0.0.0.0", {"keys": KEYS, "enabled": True}),
        ("::", {"allow_public_without_auth": True}),
        ("127.0.0.1", {}),
        ("::1", {"enabled": False}),
        ("localhost", {"keys": [{"name": "dev", "key": "mykey7"}]}),
    ],
)
async def test_start_that_is_safe_or_told_to_be(host: str, section: dict[str, Any]) -> None:
    """Keys, a loopback address, or the operator's word."""
    async with opening(host, **section):
        pass


async def test_key_that_can_be_guessed_guards_no_public_address() -> None:
    """A short key will do on loopback only."""
    with pytest.raises(ConfigError, match="at least 16 characters"):
        async with opening("0.0.0.0", keys=[{"name": "dev", "key": "mykey7"}]):
            pass


async def test_open_public_door_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Who reads the log learns that nobody is asked."""
    async with opening("0.0.0.0", allow_public_without_auth=True):
        assert "asks nobody for a key" in caplog.text
