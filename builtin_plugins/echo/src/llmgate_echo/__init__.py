"""A provider that answers in process, deterministically: for the first minute, demonstrations and tests without a network."""

from __future__ import annotations

from collections.abc import Callable

from llmgate_core import Plugin, Provider

from .provider import EchoConfig, EchoProvider

__all__ = ("EchoConfig", "EchoPlugin", "EchoProvider")


class EchoPlugin(Plugin):
    """Offers the provider type ``echo``."""

    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """One type; it is always on, so that ``echo/echo`` answers without any config."""
        register(EchoProvider)
