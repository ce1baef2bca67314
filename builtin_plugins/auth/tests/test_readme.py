"""The README's example works as it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path

from llmgate_auth import AuthConfig
from llmgate_core.strict import structure


def test_example_is_a_config() -> None:
    """The TOML block is accepted, once its environment variables are set."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = tomllib.loads(readme.partition("```toml\n")[2].partition("```")[0])
    environ = {"LLMGATE_APP_KEY": "k-7f3a9b2c5d8e1f04", "LLMGATE_SCRAPE_TOKEN": "scrape-me-please"}
    assert structure(example["plugins"]["auth"], AuthConfig, "plugins.auth", environ) != AuthConfig()
