"""The gateway in process serves for real: over sockets, with plugins, in both lanes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp
import pytest
from attrs import define

from llmgate_core import Exchange, Plugin, Response
from llmgate_core.config import ConfigError
from llmgate_core.errors import RateLimited
from llmgate_core.testing.gateway import plugin_name
from llmgate_core.testing.plain import said, say, told, told_stream

if TYPE_CHECKING:
    from llmgate_core.testing import ScriptedUpstream, ServeGateway


@define
class StopConfig:
    """``[plugins.stop_word]``."""

    word: str = "stop"


class StopWordPlugin(Plugin):
    """Refuses what holds a word, and counts what it sees."""

    config_class = StopConfig

    def __init__(self, config: StopConfig) -> None:
        super().__init__(config)
        self.seen = 0

    def llmgate_pre_request(self, exchange: Exchange) -> Response | None:
        """See HookSpecs."""
        self.seen += 1
        if self.config.word in str(exchange.request.canonical):
            raise RateLimited("said too often")
        return None


@pytest.fixture(params=[True, False], ids=["lean", "full"])
def lean(request: pytest.FixtureRequest) -> bool:
    """Both lanes."""
    return bool(request.param)


async def test_parrot_answers(serve_gateway: ServeGateway, *, lean: bool) -> None:
    """With nothing configured there is somebody to talk to."""
    async with serve_gateway(lean=lean) as server, aiohttp.ClientSession() as session:
        async with session.post(f"{server.url}/plain/chat", json=say("Hello there.")) as response:
            assert (response.status, said(await response.read())) == (200, "Hello there.")
        async with session.get(f"{server.url}/plain/models") as response:
            assert await response.json() == {"models": ["parrot/any"]}


async def test_plugin_is_configured_and_runs(serve_gateway: ServeGateway, *, lean: bool) -> None:
    """A plugin's class gets its section, its hook runs, and its error is the answer."""
    config = {"plugins": {"stop_word": {"word": "weather"}}}
    async with (
        serve_gateway(config, plugins=[StopWordPlugin], lean=lean) as server,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(f"{server.url}/plain/chat", json=say("Hello.")) as response:
            assert response.status == 200
        async with session.post(f"{server.url}/plain/chat", json=say("The weather?")) as response:
            assert (response.status, (await response.json())["error"]["message"]) == (429, "said too often")
        (plugin,) = [loaded.instance for loaded in server.gateway.plugins if loaded.name == "stop_word"]
    assert plugin.seen == 2


async def test_provider_is_a_scripted_upstream(
    serve_gateway: ServeGateway, scripted_upstream: ScriptedUpstream, *, lean: bool
) -> None:
    """A request reaches the upstream as it came, with the configured key, and its answer the client."""
    provider = {"type": "plain", "base_url": scripted_upstream.url, "keys": [{"env": "LAB_KEY"}]}
    scripted_upstream.play(told("From far away."), told_stream("One word after another."))
    async with (
        serve_gateway({"providers": {"lab": provider}}, environ={"LAB_KEY": "sk-lab"}, lean=lean) as server,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(f"{server.url}/plain/chat", json=say("Hi.", "lab/big", x_new=1)) as response:
            assert said(await response.read()) == "From far away."
        async with session.post(f"{server.url}/plain/chat", json=say("Hi.", "lab/big", stream=True)) as response:
            frames = [json.loads(line[6:]) async for line in response.content if line.startswith(b"data: ")]
    assert "".join(frame.get("text", "") for frame in frames) == "One word after another."
    first, second = scripted_upstream.requests
    assert (first.path, first.headers["authorization"]) == ("/plain/chat", "Plain sk-lab")
    assert (first.json["model"], first.json["x_new"], second.json["stream"]) == ("big", 1, True)


async def test_config_mistakes_are_raised(serve_gateway: ServeGateway) -> None:
    """What `llmgate serve` would refuse is refused here with the same words."""
    with pytest.raises(ConfigError, match="provider type 'nobody'"):
        async with serve_gateway({"providers": {"nobody": {}}}):
            pass


async def test_plugin_that_is_not_installed_is_told(serve_gateway: ServeGateway) -> None:
    """A name that no distribution offers is named in the error."""
    with pytest.raises(LookupError, match="no_such_plugin"):
        async with serve_gateway(installed=["no_such_plugin"]):
            pass


def test_plugin_is_named_as_its_entry_point() -> None:
    """The name of a class is its package's word, else its own in snake case."""
    packaged = type("Plugin", (), {"__module__": "llmgate_word_count.inner"})
    assert plugin_name(packaged) == "word_count"
    assert [plugin_name(cls) for cls in (StopWordPlugin, Plugin)] == ["stop_word", "plugin"]
