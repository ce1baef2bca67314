"""The router in a real gateway."""

from __future__ import annotations

import aiohttp
import pytest

from llmgate_core.config import ConfigError
from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import said, say
from llmgate_router import RouterPlugin


async def test_names_are_served(serve_gateway: ServeGateway) -> None:
    """An alias, an address and a bare name answer; a name that is nobody's is a 404; the alias is listed."""
    config = {"plugins": {"router": {"models": {"fast": ["parrot/any"]}}}}
    served = serve_gateway(config, plugins=[RouterPlugin])
    async with served as server, aiohttp.ClientSession(server.url) as client:
        for name in ("fast", "parrot/any", "any"):
            async with client.post("/plain/chat", json=say("hi", name)) as answer:
                assert (answer.status, said(await answer.read())) == (200, "hi")
        async with client.post("/plain/chat", json=say("hi", "fats")) as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "model_not_found"
        async with client.get("/plain/models") as listed:
            assert (await listed.json())["models"] == ["fast", "parrot/any"]


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (
            {"fast": ["parot/any"]},
            "plugins.router.models.fast: 'parot/any' names no configured provider; did you mean 'parrot'",
        ),
        ({"a": ["b"], "b": ["a"]}, "aliases lead in a circle: a → b → a"),
    ],
)
async def test_a_wrong_alias_ends_the_start(
    serve_gateway: ServeGateway, models: dict[str, list[str]], told: str
) -> None:
    """The text has the place, the name and the cure."""
    with pytest.raises(ConfigError, match=told):
        async with serve_gateway({"plugins": {"router": {"models": models}}}, plugins=[RouterPlugin]):
            raise AssertionError("it started")
