"""An echo provider and short ways to ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core.events import Event
from llmgate_core.messages import ChatRequest, Message, Text
from llmgate_echo import EchoConfig, EchoProvider

Ask = Callable[..., Any]


async def collect(provider: EchoProvider, chat: ChatRequest) -> list[Event]:
    """Every event of one answer."""
    return [event async for event in provider.answer(chat)]


@pytest.fixture
def echo() -> EchoProvider:
    """The provider as it is without any config, with short delays."""
    return EchoProvider("echo", EchoConfig(delay=0.001, word_delay=0.001))


@pytest.fixture
def ask(echo: EchoProvider) -> Ask:
    """``await ask("text", model=…, **fields of ChatRequest)`` gives the events."""

    async def asking(text: str = "good morning to you", model: str = "echo", **fields: Any) -> list[Event]:
        fields.setdefault("messages", (Message("user", (Text(text),)),))
        return await collect(echo, ChatRequest(model, **fields))

    return asking
