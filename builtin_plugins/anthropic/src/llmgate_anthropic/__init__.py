"""The dialect ``anthropic.messages`` and the provider type ``anthropic``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define

from llmgate_core import Dialect, Plugin, Provider

from .dialect import AnthropicMessages
from .provider import AnthropicProvider

__all__ = ("AnthropicConfig", "AnthropicMessages", "AnthropicPlugin", "AnthropicProvider")


@define
class AnthropicConfig:
    """``[plugins.anthropic]``. ``repair_tool_results`` mends histories in which calls and results do not match."""

    repair_tool_results: bool = False


class AnthropicPlugin(Plugin):
    """Registers both."""

    config_class: ClassVar[type[Any] | None] = AnthropicConfig

    def __init__(self, config: AnthropicConfig | None = None) -> None:
        super().__init__(config or AnthropicConfig())

    def llmgate_register_dialects(self, register: Callable[[Dialect], None]) -> None:
        """The Messages API, both faces."""
        register(AnthropicMessages(repair_tool_results=self.config.repair_tool_results))

    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """The vendor's API and compatible servers."""
        register(AnthropicProvider)
