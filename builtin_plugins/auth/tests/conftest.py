"""A real, tiny dialect and exchanges made of the real classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from llmgate_core import (
    Dialect,
    EventReader,
    EventWriter,
    Exchange,
    Head,
    Losses,
    ProviderError,
    Request,
    Route,
    StreamProbe,
    Summary,
    WireRequest,
)
from llmgate_core.errors import GatewayError
from llmgate_core.messages import ChatRequest, ChatResponse, Message, Text


class PlainDialect(Dialect):
    """``{"model", "stream", "say"}`` in, text out: just enough to carry a request through hooks."""

    name = "plain.chat"
    prefix = "/plain"
    routes = (Route("POST", "/say", "chat"),)

    def read_request(self, request: Request) -> ChatRequest:
        """One user message."""
        return ChatRequest(request.model, (Message("user", (Text(str(request.value("say", ""))),)),))

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """The whole answer's id."""
        return response.id.encode()

    def event_writer(self, request: Request) -> EventWriter:
        """No streams here."""
        raise NotImplementedError

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """The message."""
        return error.message.encode()

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """The message."""
        return error.message.encode()

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """The one path."""
        return "/say"

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """The model alone."""
        return WireRequest(msgspec.json.encode({"model": model}))

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """An empty answer."""
        return ChatResponse("r", "m", ())

    def event_reader(self, wire: WireRequest) -> EventReader:
        """No streams here."""
        raise NotImplementedError

    def probe(self, request: Request) -> StreamProbe:
        """No streams here."""
        raise NotImplementedError

    def summarise(self, body: bytes) -> Summary:
        """Nothing known."""
        return Summary()

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """A generic text."""
        return ProviderError("refused")


ExchangeMaker = Callable[..., Exchange]


@pytest.fixture
def make_exchange() -> ExchangeMaker:
    """Makes an exchange as the core does; ``more`` overrides its attributes."""

    def make(headers: Mapping[str, str] | None = None, *, model: str = "m", **more: Any) -> Exchange:
        dialect = PlainDialect()
        body = msgspec.json.encode({"model": model, **more.pop("body", {})})
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        asked, stream = dialect.read_head(fields, {})
        request = Request(dialect, "chat", fields, model=asked, stream=stream, body=body, headers=headers or {})
        exchange = Exchange(
            id="req_" + "0" * 24,
            head=Head("POST", "/say", "", headers or {}, "127.0.0.1"),
            dialect=dialect,
            operation="chat",
            request=request,
            received_at=100.0,
            started=1_700_000_000.0,
            deadline=700.0,
        )
        for name, value in more.items():
            setattr(exchange, name, value)
        return exchange

    return make
