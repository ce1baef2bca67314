"""A dialect that only knows paths: enough for a provider to describe a request."""

from __future__ import annotations

from typing import NoReturn

from llmgate_core.dialect import Dialect, Losses
from llmgate_core.errors import GatewayError
from llmgate_core.messages import ChatRequest, ChatResponse
from llmgate_core.request import Request
from llmgate_core.wirevalues import ProviderError, Summary, WireRequest


class StubDialect(Dialect):
    """Stands for the dialect of that name, which another plugin may bring."""

    name = "stub"
    routes = ()

    @classmethod
    def named(cls, name: str) -> StubDialect:
        """One that goes by this name."""
        named: type[StubDialect] = type("NamedStub", (cls,), {"name": name})
        return named()

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """One path for chats, and nothing else."""
        return "/stub/chat" if operation == "chat" else None

    def _no(self) -> NoReturn:
        raise NotImplementedError("a stub has only paths; override the fixture 'dialects' with your real one")

    def read_request(self, request: Request) -> ChatRequest:
        """Not here."""
        self._no()

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """Not here."""
        self._no()

    def event_writer(self, request: Request) -> NoReturn:
        """Not here."""
        self._no()

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """Not here."""
        self._no()

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """Not here."""
        self._no()

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """Not here."""
        self._no()

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """Not here."""
        self._no()

    def event_reader(self, wire: WireRequest) -> NoReturn:
        """Not here."""
        self._no()

    def probe(self, request: Request) -> NoReturn:
        """Not here."""
        self._no()

    def summarise(self, body: bytes) -> Summary:
        """Not here."""
        self._no()

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """Not here."""
        self._no()
