"""The README's example works as it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path

from llmgate_core.strict import structure
from llmgate_request_id import RequestIdConfig


def test_example_is_a_config() -> None:
    """The TOML block is accepted, once its environment variables are set."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = tomllib.loads(readme.partition("```toml\n")[2].partition("```")[0])
    environ = {"LLMGATE_APP_KEY": "k-7f3a9b2c5d8e1f04", "LLMGATE_SCRAPE_TOKEN": "scrape-me-please"}
    assert (
        structure(example["plugins"]["request_id"], RequestIdConfig, "plugins.request_id", environ) != RequestIdConfig()
    )
