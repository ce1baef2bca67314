"""The plugin that brings the plain dialect, a provider that speaks it over HTTP, and one that repeats what it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import ClassVar

from llmgate_core.assembly import events_of
from llmgate_core.decisions import Key, Target
from llmgate_core.dialect import Dialect
from llmgate_core.events import Event
from llmgate_core.exchange import Exchange
from llmgate_core.messages import ChatRequest, ChatResponse, Choice, Message, Text
from llmgate_core.plugin import Plugin
from llmgate_core.provider import HttpProvider, LocalProvider, Provider
from llmgate_core.usage import Usage

from .dialect import PlainDialect


class PlainProvider(HttpProvider):
    """Speaks the plain dialect: point its ``base_url`` at a scripted upstream."""

    type = "plain"
    dialects = ("plain.chat",)

    def authorise(self, key: Key) -> Mapping[str, str]:
        """See :class:`HttpProvider`."""
        return {"authorization": f"Plain {key.secret.reveal()}"}


class ParrotProvider(LocalProvider):
    """Answers with the last thing said, in process. It is always there: ask for ``parrot/any``."""

    type = "parrot"
    always_on = True
    known_models = ("any",)

    async def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
        """See :class:`LocalProvider`."""
        heard = [block.text for message in chat.messages for block in message.content if isinstance(block, Text)]
        choice = Choice(Message("assistant", (Text(heard[-1] if heard else "?"),)), "stop")
        for event in events_of(ChatResponse("parrot-1", chat.model, (choice,), Usage(1, 1), created=1_700_000_000)):
            yield event


class PlainPlugin(Plugin):
    """Dialect, providers, and a plan for ``provider/model`` when no other plugin has made one."""

    provider_types: ClassVar[tuple[type[Provider], ...]] = (PlainProvider, ParrotProvider)

    def llmgate_register_dialects(self, register: Callable[[Dialect], None]) -> None:
        """See :class:`~llmgate_core.hookspecs.HookSpecs`."""
        register(PlainDialect())

    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """See :class:`~llmgate_core.hookspecs.HookSpecs`."""
        for cls in self.provider_types:
            register(cls)

    def llmgate_select_provider(self, exchange: Exchange, targets: tuple[Target, ...]) -> tuple[Target, ...] | None:
        """See :class:`~llmgate_core.hookspecs.HookSpecs`."""
        if targets or "/" not in exchange.model:
            return None
        return (Target.parse(exchange.model),)
