"""The dialect ``anthropic.messages``: the Messages API. Each face's work stands in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import msgspec

from llmgate_core.dialect import Dialect, EventReader, EventWriter, Losses, StreamProbe
from llmgate_core.errors import GatewayError
from llmgate_core.messages import ChatRequest, ChatResponse
from llmgate_core.request import Request
from llmgate_core.wirevalues import ModelInfo, ProviderError, Route, Summary, WireRequest

from . import errors
from .checks import NAME
from .forward import forward
from .headers import OWN_HEADERS, VERSION_HEADER
from .models import KnownModels
from .probe import MessagesProbe
from .summaries import summarise

if TYPE_CHECKING:
    from .translation import Translation


class AnthropicMessages(Dialect):
    """``repair_tool_results``: make up a missing tool result and leave out an orphan, instead of refusing the request."""

    name: ClassVar[str] = NAME
    prefix: ClassVar[str] = "/anthropic"
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/v1/messages", "chat"),
        Route("POST", "/v1/messages/count_tokens", "count_tokens"),
        Route("GET", "/v1/models", "models"),
        Route("GET", "/v1/models/{model:path}", "model"),
    )
    keep_alive: ClassVar[bytes] = b'event: ping\ndata: {"type": "ping"}\n\n'
    reset_headers: ClassVar[tuple[str, ...]] = (
        "anthropic-ratelimit-requests-reset",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-input-tokens-reset",
        "anthropic-ratelimit-output-tokens-reset",
    )
    relay_headers: ClassVar[tuple[str, ...]] = ("anthropic-ratelimit-*", "anthropic-organization-id")
    forward_headers: ClassVar[tuple[str, ...]] = OWN_HEADERS
    request_id_header: ClassVar[str] = "request-id"

    def __init__(self, *, repair_tool_results: bool = False) -> None:
        self._repair = repair_tool_results
        self._models = KnownModels()

    @cached_property
    def _translation(self) -> Translation:
        from .translation import Translation

        return Translation()

    def prepare(self) -> None:
        """Loads what translates: a request that is passed through needs none of it."""
        _ = self._translation

    # ── server face ──────────────────────────────────────────────────────────────────────────────────────────────

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """The version header is this API's alone; a bare ``x-api-key`` is its usual way to carry a key."""
        return VERSION_HEADER in headers or ("x-api-key" in headers and "authorization" not in headers)

    def read_request(self, request: Request) -> ChatRequest:
        """See :mod:`.read_request`."""
        return self._translation.read_request(request)

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """See :mod:`.write_response`."""
        return self._translation.write_response(response)

    def event_writer(self, request: Request) -> EventWriter:
        """See :mod:`.event_writer`."""
        return self._translation.event_writer()

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """See :mod:`.errors`."""
        return errors.write_error(error, request_id)

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """See :mod:`.errors`."""
        return errors.write_stream_error(error, request_id)

    def write_models(self, models: Sequence[ModelInfo]) -> bytes:
        """See :mod:`.write_response`."""
        return self._translation.write_models(models)

    def write_model(self, model: ModelInfo) -> bytes:
        """See :mod:`.write_response`."""
        return self._translation.write_model(model)

    def write_token_count(self, tokens: int) -> bytes:
        """``{"input_tokens": n}``"""
        return msgspec.json.encode({"input_tokens": tokens})

    # ── client face ──────────────────────────────────────────────────────────────────────────────────────────────

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """The model and the wish for a stream stand in the body."""
        return {"chat": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"}.get(operation)

    def forward(self, request: Request, model: str) -> WireRequest:
        """See :mod:`.forward`."""
        return forward(request, model)

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """See :mod:`.write_request`."""
        able = self._models.able(model)
        return self._translation.write_request(chat, model, losses, able=able, repair=self._repair)

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """See :mod:`.read_response`."""
        translation = self._translation
        return translation.read_response(body, translation.memo(wire))

    def event_reader(self, wire: WireRequest) -> EventReader:
        """See :mod:`.event_reader`."""
        translation = self._translation
        return translation.event_reader(translation.memo(wire))

    def probe(self, request: Request) -> StreamProbe:
        """See :mod:`.probe`."""
        return MessagesProbe()

    def summarise(self, body: bytes) -> Summary:
        """See :mod:`.summaries`."""
        return summarise(body)

    def read_error(self, status: int, body: bytes) -> ProviderError:
        """See :mod:`.errors`."""
        return errors.read_error(status, body)
