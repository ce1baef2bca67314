"""The README's example works as it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path

from llmgate_anthropic import AnthropicPlugin
from llmgate_core.testing.gateway import ServeGateway


async def test_the_example_serves(serve_gateway: ServeGateway) -> None:
    """The TOML block is a config, and the gateway has what it names."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = tomllib.loads(readme.partition("```toml\n")[2].partition("```")[0])
    environ = {"ANTHROPIC_API_KEY": "sk-1"}
    async with serve_gateway(example, plugins=[AnthropicPlugin], environ=environ, plain=False) as server:
        providers = server.gateway.registry.providers
    assert providers["anthropic"].keys[0].secret.reveal() == "sk-1"
    assert providers["lab"].models == ("lab-large",)
