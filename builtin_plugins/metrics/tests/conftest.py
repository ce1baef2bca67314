"""Exchanges and gateways made of the real classes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from llmgate_core import (
    Dialect,
    EndpointRequest,
    EndpointResponse,
    Exchange,
    Gauge,
    Head,
    LocalProvider,
    Plugin,
    Provider,
    Target,
    Usage,
)
from llmgate_core.config import make_config
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Finish, Start
from llmgate_core.gateway import Gateway
from llmgate_core.messages import ChatRequest, Text
from llmgate_core.plugins import Found
from llmgate_core.startup import build_gateway
from llmgate_core.testing.plain import PlainDialect
from llmgate_metrics import MetricsPlugin


class LabProvider(LocalProvider):
    """Answers in process, always with the same word."""

    type = "lab"
    dialects = ()
    always_on = True
    known_models = ("small", "large")

    async def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
        """One word."""
        yield Start("r", chat.model)
        yield BlockStart(0, Text(""))
        yield BlockDelta(0, "text", "hello")
        yield BlockStop(0)
        yield End((Finish("stop"),), Usage(input_tokens=3, output_tokens=1))


class LabPlugin(Plugin):
    """Brings a dialect, a provider, an alias, a target out of its config, and a gauge that tests may change."""

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.readings: list[tuple[Sequence[str], float]] = [(("k1",), 1.0)]

    def llmgate_register_dialects(self, register: Callable[[Dialect], None]) -> None:
        """The plain dialect."""
        register(PlainDialect())

    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """The lab."""
        register(LabProvider)

    def llmgate_select_provider(self, exchange: Exchange) -> tuple[Target, ...]:
        """Whatever was asked for, at the lab."""
        return (Target("lab", exchange.model),)

    def model_names(self) -> Sequence[str]:
        """One alias."""
        return ["fast"]

    def targets_of(self) -> Mapping[str, Sequence[str]]:
        """One target that the provider does not list."""
        return {"plugins.lab.models": ["lab/tuned"]}

    def gauges(self) -> Sequence[Gauge]:
        """The changeable gauge."""
        return [Gauge("llmgate_lab_level", "How full the lab is.", ("key",), lambda: self.readings)]


GatewayMaker = Callable[..., Gateway]


@pytest.fixture
def make_gateway() -> GatewayMaker:
    """Builds a gateway with the lab and this plugin from ``[plugins.metrics]``; it is not opened."""

    def make(**section: Any) -> Gateway:
        config = make_config({"plugins": {"metrics": section}})
        found = [Found.of(MetricsPlugin, "metrics"), Found.of(LabPlugin, "lab")]
        return build_gateway(config, found=found, environ={})

    return make


@pytest.fixture
def scrape() -> Callable[..., Awaitable[EndpointResponse]]:
    """Asks a gateway's own endpoint for its numbers, as the server does."""

    async def ask(gateway: Gateway, path: str = "/metrics", **headers: str) -> EndpointResponse:
        handler = gateway.registry.endpoints["GET", path]
        return await handler(EndpointRequest(Head("GET", path, "", headers)))

    return ask
