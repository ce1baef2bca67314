"""The plain dialect: both faces, with the canonical form itself on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from llmgate_core.dialect import Dialect, EventReader, EventWriter, Losses, StreamProbe
from llmgate_core.errors import GatewayError, InvalidRequest
from llmgate_core.events import Event, Failure
from llmgate_core.frames import parse_sse, write_sse
from llmgate_core.jsonfields import decode_whole
from llmgate_core.messages import ChatRequest, ChatResponse
from llmgate_core.request import Request
from llmgate_core.testing.event_rules import EventRules
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse
from llmgate_core.wirevalues import ModelInfo, ProviderError, Route, Summary, WireRequest

from .codec import Codec, dumps, is_last, loads, write_error
from .probe import PlainProbe


class PlainDialect(Dialect):
    """``plain.chat``. Unknown top-level fields of a request are kept in ``extra``."""

    name = "plain.chat"
    prefix = "/plainly"
    routes = (Route("POST", "/plain/chat", "chat"), Route("GET", "/plain/models", "models"))
    forward_headers = ("x-plain-version",)

    def __init__(self) -> None:
        self._codec = Codec()
        self._known = frozenset(field.name for field in attrs.fields(ChatRequest))

    # ── server face ──────────────────────────────────────────────────────────────────────────────────────────────

    def read_request(self, request: Request) -> ChatRequest:
        """See :class:`Dialect`."""
        data = decode_whole(request.fields)
        known = {name: value for name, value in data.items() if name in self._known - {"dialect", "extra"}}
        extra = {name: value for name, value in data.items() if name not in self._known}
        try:
            chat: ChatRequest = self._codec.read({"messages": None, **known}, ChatRequest)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        return attrs.evolve(chat, dialect=self.name, extra=extra)

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """See :class:`Dialect`."""
        return dumps(self._codec.write(attrs.evolve(response, dialect="")))

    def event_writer(self, request: Request) -> EventWriter:
        """See :class:`Dialect`."""
        return _Writer(self._codec)

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """See :class:`Dialect`."""
        return dumps({"error": {**write_error(error), "param": error.param}, "request_id": request_id})

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """See :class:`Dialect`."""
        return _Writer(self._codec).write(Failure(error))

    def write_models(self, models: Sequence[ModelInfo]) -> bytes:
        """See :class:`Dialect`."""
        return dumps({"models": [model.id for model in models]})

    # ── client face ──────────────────────────────────────────────────────────────────────────────────────────────

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See :class:`Dialect`."""
        return "/plain/chat" if operation == "chat" else None

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """See :class:`Dialect`."""
        extra = dict(chat.extra) if chat.dialect == self.name else {}
        if chat.dialect != self.name:
            for name in chat.extra:
                losses.add(name, "no field of the plain dialect")
        data = self._codec.write(attrs.evolve(chat, model=model, dialect="", extra={}))
        return WireRequest(dumps({**data, **extra}))

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """See :class:`Dialect`."""
        return attrs.evolve(self._read(body), dialect=self.name)

    def event_reader(self, wire: WireRequest) -> EventReader:
        """See :class:`Dialect`."""
        return _Reader(self._codec)

    def probe(self, request: Request) -> StreamProbe:
        """See :class:`Dialect`."""
        return PlainProbe(_Reader(self._codec))

    def summarise(self, body: bytes) -> Summary:
        """See :class:`Dialect`."""
        answer = self._read(body)
        return Summary(answer.usage, answer.choices[0].finish_reason, answer.model)

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """See :class:`Dialect`."""
        try:
            error: Any = loads(body).get("error")
        except ValueError:
            error = None
        if not isinstance(error, dict) or not isinstance(error.get("message"), str) or not error["message"]:
            return ProviderError(f"the provider answered {status}")
        code = error.get("code")
        return ProviderError(error["message"], code=code if isinstance(code, str) else None, verbatim=True)

    def _read(self, body: bytes) -> ChatResponse:
        try:
            answer: ChatResponse = self._codec.read(loads(body), ChatResponse)
        except ValueError as error:
            raise UpstreamBadResponse(f"the provider's answer cannot be read: {error}") from error
        if not answer.choices:
            raise UpstreamBadResponse("the provider's answer has no choices")
        return answer


class _Writer:
    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def write(self, event: Event) -> bytes:
        """One frame for one event."""
        return write_sse(dumps(self._codec.write(event, Event)))


class _Reader:
    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._rules = EventRules()
        self._over = False

    def read(self, frame: bytes) -> Iterable[Event]:
        """The one event of a frame."""
        sse = parse_sse(frame)
        if sse is None or self._over:
            return []
        try:
            event: Event = self._codec.read(loads(sse.data), Event)
        except ValueError as error:
            raise UpstreamBadResponse(f"the provider's stream cannot be read: {error}") from error
        self._rules.see(event)
        if self._rules.broken:
            raise UpstreamBadResponse(f"the provider's stream breaks the rules: {self._rules.broken[0]}")
        self._over = is_last(event)
        return [event]

    def close(self) -> Iterable[Event]:
        """An end that never came is a Failure."""
        return [] if self._over else [Failure(StreamInterrupted("the stream ended before its end marker"))]
