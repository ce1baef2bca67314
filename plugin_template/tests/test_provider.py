"""The provider held to its contract, then asked over HTTP."""

from __future__ import annotations

import runpy
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from llmgate_core import HttpProvider
from llmgate_core.messages import ChatRequest, Message, Text
from llmgate_core.testing import LocalProviderContract, ProviderContract, ServeGateway
from llmgate_core.testing.plain import said, say
from llmgate_example.provider import ExamplePlugin, ExampleProvider, ExampleProviderConfig

README = Path(__file__).parents[1] / "readmes/provider.md"


class TestExampleProvider(LocalProviderContract):
    """What every provider that answers in process must hold to."""

    chats = (
        ChatRequest("loud", (Message("user", (Text("Hello there."),)),)),
        ChatRequest("loud", (Message("user"),)),
    )

    @pytest.fixture
    def provider(self) -> ExampleProvider:
        """The provider under test."""
        return ExampleProvider("example", ExampleProviderConfig())


async def ask(url: str, body: Mapping[str, Any]) -> tuple[int, bytes]:
    """Status and body of one answer, in the kit's own dialect."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/plain/chat", json=body) as answer,
    ):
        return answer.status, await answer.read()


@pytest.mark.asyncio
async def test_provider_answers_a_request(serve_gateway: ServeGateway) -> None:
    """It is there without any config, and says loudly what it was told."""
    async with serve_gateway(plugins=[ExamplePlugin]) as server:
        status, body = await ask(server.url, say("Good morning", "example/loud"))
        assert (status, said(body)) == (200, "GOOD MORNING!")


@pytest.mark.asyncio
async def test_provider_streams(serve_gateway: ServeGateway) -> None:
    """A stream has the words in turn."""
    async with serve_gateway(plugins=[ExamplePlugin]) as server:
        status, body = await ask(server.url, say("Good morning", "example/loud", stream=True))
        assert status == 200
        assert body.index(b'"GOOD"') < body.index(b'" MORNING!"')


@pytest.mark.asyncio
async def test_readme_config_is_served(serve_gateway: ServeGateway) -> None:
    """The block in the README makes a second provider, with more marks."""
    config = tomllib.loads(block("toml"))
    async with serve_gateway(config, plugins=[ExamplePlugin]) as server:
        _, body = await ask(server.url, say("Hello", "louder/loud"))
        assert said(body) == "HELLO!!!"


class TestRemoteProviderOfTheReadme(ProviderContract):
    """The README's provider over HTTP is a good one as it stands."""

    @pytest.fixture
    def provider(self, tmp_path: Path) -> HttpProvider:
        """The class in the README."""
        module = tmp_path / "remote.py"
        module.write_text(block("python"), "utf-8")
        cls: type[HttpProvider] = runpy.run_path(str(module))["RemoteProvider"]
        return cls("remote", cls.config_class())


def block(language: str) -> str:
    """The README's block in one language."""
    return README.read_text("utf-8").split(f"```{language}\n")[1].split("```")[0]
