"""The openai.chat dialect and the openai provider type (any compatible server)."""

from __future__ import annotations

from collections.abc import Callable

from llmgate_core.dialect import Dialect
from llmgate_core.plugin import Plugin
from llmgate_core.provider import Provider

from .dialect import ChatDialect
from .provider import OpenAIConfig, OpenAIProvider

__all__ = ("ChatDialect", "OpenAIConfig", "OpenAIPlugin", "OpenAIProvider")


class OpenAIPlugin(Plugin):
    """Offers both; it has no configuration of its own."""

    def llmgate_register_dialects(self, register: Callable[[Dialect], None]) -> None:
        """The wire format."""
        register(ChatDialect())

    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """The provider type."""
        register(OpenAIProvider)
