"""The plugin in a real gateway, asked over HTTP."""

from __future__ import annotations

import tomllib
from pathlib import Path

import aiohttp
import pytest

from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import say
from llmgate_example import ExampleConfig, ExamplePlugin


async def ask(url: str, model: str) -> tuple[int, str | None]:
    """Status and greeting of one answer. The kit's own dialect and provider need no other plugin."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/plain/chat", json=say("Hello.", model)) as answer,
    ):
        return answer.status, answer.headers.get("x-example")


@pytest.mark.asyncio
async def test_every_answer_is_greeted(serve_gateway: ServeGateway) -> None:
    """Without any config the hook runs, and says hello."""
    async with serve_gateway(plugins=[ExamplePlugin]) as server:
        assert await ask(server.url, "parrot/any") == (200, "hello")


@pytest.mark.asyncio
async def test_model_is_refused_by_pattern(serve_gateway: ServeGateway) -> None:
    """What the config refuses is a 403; the next model is not."""
    config = {"plugins": {"example": {"refuse": ["parrot/old-*"]}}}
    async with serve_gateway(config, plugins=[ExamplePlugin]) as server:
        assert await ask(server.url, "parrot/old-1") == (403, "hello")
        assert await ask(server.url, "parrot/any") == (200, "hello")


@pytest.mark.asyncio
async def test_readme_config_is_served(serve_gateway: ServeGateway) -> None:
    """The block in the README does what it says."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    config = tomllib.loads(readme.split("```toml\n")[1].split("```")[0])
    async with serve_gateway(config, plugins=[ExamplePlugin]) as server:
        assert await ask(server.url, "parrot/1-preview") == (403, "ciao")


def test_greeting_stays_in_its_line() -> None:
    """A greeting that would break the header is a mistake in the config."""
    with pytest.raises(ValueError, match="greeting"):
        ExampleConfig(greeting="a\r\nx: y")
