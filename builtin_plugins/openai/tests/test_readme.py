"""The README's example works as it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path

from llmgate_core.strict import structure
from llmgate_openai import OpenAIConfig


def test_example_is_a_config() -> None:
    """Both providers of the TOML block are accepted."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = tomllib.loads(readme.partition("```toml\n")[2].partition("```")[0])
    environ = {"OPENAI_API_KEY": "sk-7f3a9b2c5d8e1f04"}
    for name, provider in example["providers"].items():
        assert structure(provider, OpenAIConfig, f"providers.{name}", environ) != OpenAIConfig()
