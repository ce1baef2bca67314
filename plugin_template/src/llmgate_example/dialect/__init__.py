"""A wire format of its own, ``example.chat``: served at ``/v1/example/chat``, and spoken to providers that know it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from llmgate_core import (
    Dialect,
    EventReader,
    EventWriter,
    Losses,
    Plugin,
    ProviderError,
    Request,
    Route,
    StreamProbe,
    Summary,
    WireRequest,
)
from llmgate_core.errors import GatewayError, InvalidRequest
from llmgate_core.jsonfields import decode_whole
from llmgate_core.messages import ChatRequest, ChatResponse
from llmgate_core.upstream_errors import UpstreamBadResponse

from .codec import answer_of, ask_of, chat_of, response_of, tell_losses
from .stream import Probe, Reader, Writer
from .wire import MALFORMED, Answer, Ask, Frame, Problem, ProblemBody


class ExampleDialect(Dialect):
    """Stateless: what belongs to one stream lives in its writer, reader or probe."""

    name = "example.chat"
    prefix = "/example"
    routes = (Route("POST", "/v1/example/chat", "chat"),)

    # ── server face: what applications send and get ──────────────────────────────────

    def read_request(self, request: Request) -> ChatRequest:
        """A client's request → canonical. Raises InvalidRequest."""
        body = request.body or msgspec.json.encode(dict(request.fields))
        try:
            ask = msgspec.json.decode(body, type=Ask)
        except MALFORMED as error:
            raise InvalidRequest(f"the request cannot be read: {error}", code="invalid_value") from None
        known = {field.name for field in msgspec.structs.fields(Ask)}
        extra = {name: raw for name, raw in request.fields.items() if name not in known}
        return chat_of(ask, self.name, decode_whole(extra))

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """Canonical → the body of an answer."""
        return msgspec.json.encode(answer_of(response))

    def event_writer(self, request: Request) -> EventWriter:
        """Canonical events → the stream of an answer."""
        return Writer()

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of an error."""
        return msgspec.json.encode(ProblemBody(Problem.of(error), request_id))

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """The last event of a stream that failed."""
        return Frame(error=Problem.of(error)).as_bytes()

    # ── client face: what providers of this dialect are sent and answer ───────────────

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """The path below a provider's base URL."""
        return "/v1/example/chat" if operation == "chat" else None

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """Canonical → the request; what does not fit into it goes into ``losses``."""
        ask = ask_of(chat, model)
        tell_losses(chat, ask, self.name, losses)
        extra = chat.extra if chat.dialect == self.name else {}
        return WireRequest(msgspec.json.encode({**msgspec.to_builtins(ask), **extra}))

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """A provider's answer → canonical. Raises UpstreamBadResponse."""
        try:
            return response_of(msgspec.json.decode(body, type=Answer), self.name)
        except MALFORMED as error:
            raise UpstreamBadResponse(f"the provider's answer cannot be read: {error}") from None

    def event_reader(self, wire: WireRequest) -> EventReader:
        """A provider's stream → canonical events."""
        return Reader()

    def probe(self, request: Request) -> StreamProbe:
        """Watches a stream that is relayed as it comes."""
        return Probe()

    def summarise(self, body: bytes) -> Summary:
        """What logs and metrics need of an answer that is relayed as it came."""
        answer = self.read_response(body, WireRequest(b""))
        return Summary(answer.usage, answer.choices[0].finish_reason, answer.model)

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """A provider's error. Never raises."""
        try:
            problem = msgspec.json.decode(body, type=ProblemBody).error
        except MALFORMED:
            return ProviderError(f"the provider answered {status}")
        return problem.as_provider_error(verbatim=True)


class ExamplePlugin(Plugin):
    """Offers the dialect ``example.chat``."""

    hook_api = 1

    def llmgate_register_dialects(self, register: Callable[[Dialect], None]) -> None:
        """Runs at start, before routes are laid."""
        register(ExampleDialect())
