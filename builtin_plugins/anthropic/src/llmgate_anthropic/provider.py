"""The provider type ``anthropic``: the vendor's own API, or any server that speaks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from llmgate_core.decisions import Key
from llmgate_core.provider import HttpProvider

from .checks import NAME


class AnthropicProvider(HttpProvider):
    """The key goes into ``x-api-key``."""

    type: ClassVar[str] = "anthropic"
    dialects: ClassVar[tuple[str, ...]] = (NAME,)
    default_base_url: ClassVar[str | None] = "https://api.anthropic.com"
    usual_env: ClassVar[str | None] = "ANTHROPIC_API_KEY"
    model_patterns: ClassVar[tuple[str, ...]] = ("claude-*",)
    known_models: ClassVar[tuple[str, ...]] = (
        "claude-fable-5-2",
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-opus-5",
        "claude-sonnet-5",
        "claude-opus-4-8",
        "claude-opus-4-6",
        "claude-sonnet-4-6",
        "claude-opus-4-5",
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
    )

    def authorise(self, key: Key) -> Mapping[str, str]:
        """``x-api-key``"""
        return {"x-api-key": key.secret.reveal()}
