"""The dialect ``openai.chat``: both faces, each method a door to the module that does the work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Dialect, Losses
from llmgate_core.errors import GatewayError
from llmgate_core.frames import write_sse
from llmgate_core.messages import ChatRequest, ChatResponse
from llmgate_core.renames import Renames
from llmgate_core.request import Request
from llmgate_core.wirevalues import ModelInfo, ProviderError, Route, Summary, WireRequest

from . import errors
from .brief import summarise
from .chunks import DONE_FRAME
from .probe import ChatProbe
from .words import NAME

if TYPE_CHECKING:
    from .event_reader import ChatEventReader
    from .event_writer import ChatEventWriter
    from .translation import Translation

BETA_HEADER: Final = "openai-beta"
_encode: Final = msgspec.json.Encoder().encode


class ChatDialect(Dialect):
    """Chat completions, as the vendor's reference and its official SDK describe them."""

    name = NAME
    prefix = "/openai"
    routes = (
        Route("POST", "/v1/chat/completions", "chat"),
        Route("GET", "/v1/models", "models"),
        Route("GET", "/v1/models/{model:path}", "model"),
    )
    end_marker = DONE_FRAME
    reset_headers = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens")
    relay_headers = ("openai-*", "x-ratelimit-*")
    forward_headers = (BETA_HEADER,)

    @cached_property
    def _translation(self) -> Translation:
        from .translation import Translation

        return Translation()

    def prepare(self) -> None:
        """Loads what translates: a request that is passed through needs none of it."""
        _ = self._translation

    # ── server face ──────────────────────────────────────────────────────────────────────────────────────────────

    def read_request(self, request: Request) -> ChatRequest:
        """A client's request → canonical."""
        return self._translation.read_request(request)

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """Canonical → the body a client gets."""
        return self._translation.write_response(response, request)

    def event_writer(self, request: Request) -> ChatEventWriter:
        """A writer for the stream a client gets."""
        translation = self._translation
        return translation.event_writer(
            request.model, include_usage=wants_usage(request), legacy=translation.wants_functions(request)
        )

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of an error answer; the request's id stands in its header."""
        return errors.write_error(error)

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """One ``data:`` frame with the error. No ``[DONE]`` follows: the SDK raises on the frame itself."""
        return write_sse(errors.write_error(error))

    def write_models(self, models: Sequence[ModelInfo]) -> bytes:
        """``{"object": "list", "data": […]}``"""
        return msgspec.json.encode({"object": "list", "data": [_model(model) for model in models]})

    def write_model(self, model: ModelInfo) -> bytes:
        """One model object."""
        return msgspec.json.encode(_model(model))

    # ── client face ──────────────────────────────────────────────────────────────────────────────────────────────

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """``/chat/completions`` for chat: a base URL ends in ``/v1``."""
        return "/chat/completions" if operation == "chat" else None

    def forward(self, request: Request, model: str) -> WireRequest:
        """As it came; a stream's usage is asked for even when the client did not, because the gateway counts."""
        if request.stream and not wants_usage(request):
            return self._forward_counted(request, model)
        headers = request.headers
        own = {BETA_HEADER: headers[BETA_HEADER]} if BETA_HEADER in headers else EMPTY
        body = request.body
        if body is None or model != request.model:
            fields = request.fields
            body = _encode({**fields, "model": model} if "model" in fields else fields)
        return WireRequest(body, own)

    def _forward_counted(self, request: Request, model: str) -> WireRequest:
        options = request.value("stream_options")
        if options is not None and not isinstance(options, dict):
            return super().forward(request, model)  # for the provider to refuse
        fields: dict[str, Any] = {**request.fields, "model": model}
        fields["stream_options"] = {**(options or {}), "include_usage": True}
        headers = {name: request.headers[name] for name in self.forward_headers if name in request.headers}
        return WireRequest(_encode(fields), headers)

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """Canonical → the request to a provider."""
        return self._translation.write_request(chat, model, losses)

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """A provider's whole answer → canonical."""
        return self._translation.read_response(body, wire.memo)

    def event_reader(self, wire: WireRequest) -> ChatEventReader:
        """A reader for a provider's stream."""
        renames: Renames | None = wire.memo
        return self._translation.event_reader(renames.to_client if renames is not None else str)

    def probe(self, request: Request) -> ChatProbe:
        """A watcher for a stream relayed untouched."""
        return ChatProbe(drop_usage=not wants_usage(request))

    def summarise(self, body: bytes) -> Summary:
        """What the gateway must know of a whole answer."""
        return summarise(body)

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """A provider's error answer."""
        return errors.read_error(status, body)


def wants_usage(request: Request) -> bool:
    """Whether the client asked for the usage chunk of its stream."""
    if "stream_options" not in request.fields:
        return False
    options = request.value("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _model(model: ModelInfo) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}
