"""A provider that answers in process: it says again, loudly, what it was told."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable

from attrs import define, field, validators

from llmgate_core import LocalProvider, Plugin, Provider, ProviderConfig, Usage
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Finish, Start
from llmgate_core.messages import ChatRequest, Text


@define
class ExampleProviderConfig(ProviderConfig):
    """``[providers.<name>]`` with ``type = "example"``.

    ``marks`` is how many exclamation marks end an answer.
    """

    marks: int = field(default=1, validator=validators.ge(0))


class ExampleProvider(LocalProvider):
    """One instance for each ``[providers.<name>]`` table of this type."""

    type = "example"
    config_class = ExampleProviderConfig
    # there is an instance even when no config names one: ask for "example/loud"
    always_on = True
    known_models = ("loud",)
    config: ExampleProviderConfig

    async def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
        """The answer as a stream of events; the core makes a whole of it when a client wants one.

        Whatever dialect the client speaks: it is translated from and to ``chat`` and events.
        """
        heard = last_text(chat)
        words = f"{heard.upper()}{'!' * self.config.marks}".split(" ")
        yield Start(f"example-{secrets.token_hex(8)}", chat.model)
        yield BlockStart(0, Text(""))
        for number, word in enumerate(words):
            yield BlockDelta(0, "text", f" {word}" if number else word)
        yield BlockStop(0)
        usage = Usage(input_tokens=len(heard.split()), output_tokens=len(words))
        yield End((Finish("stop"),), usage)


def last_text(chat: ChatRequest) -> str:
    """What was said last, as far as it is text."""
    for message in reversed(chat.messages):
        text = " ".join(block.text for block in message.content if isinstance(block, Text))
        if text:
            return text
    return "nothing"


class ExamplePlugin(Plugin):
    """Offers the provider type ``example``."""

    hook_api = 1

    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """Runs at start, before the config's ``[providers]`` are built."""
        register(ExampleProvider)
