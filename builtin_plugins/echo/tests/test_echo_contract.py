"""The echo holds to what every provider that answers in process must hold to."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from attrs import evolve

from llmgate_core.messages import ChatRequest, Message, Reasoning, Sampling, Text, Tool
from llmgate_core.strict import structure
from llmgate_core.testing import LocalProviderContract
from llmgate_echo import EchoConfig, EchoProvider

PLAIN = ChatRequest("echo", (Message("user", (Text("call the tool"),)),))


class TestEcho(LocalProviderContract):
    """Text, thinking, tools, several choices, and every way to misbehave."""

    chats = (
        PLAIN,
        evolve(PLAIN, tools=(Tool("clock"), Tool("compass"))),
        evolve(PLAIN, reasoning=Reasoning("enabled"), sampling=Sampling(n=3)),
        evolve(PLAIN, model="empty"),
        evolve(PLAIN, model="refuse"),
    )

    @pytest.fixture
    def provider(self) -> EchoProvider:
        """As it is without config."""
        return EchoProvider("echo", EchoConfig())


def test_the_example_in_the_readme_is_a_config() -> None:
    """It can be pasted."""
    (block,) = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    section = tomllib.loads(block)["providers"]["cloud"]
    assert structure(section, EchoConfig, "providers.cloud").models == ["big-model"]
