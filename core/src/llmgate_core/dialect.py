"""A dialect is a wire format with two faces.

The *server face* serves applications: it reads a client's request and writes the answer, the stream and the errors. The
*client face* speaks to providers: it writes a request and reads the answer, the stream and the errors. The core pairs the
faces: the same dialect on both sides passes bytes through; two dialects meet in the canonical form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, Protocol, TypeVar

import msgspec

from .decisions import EMPTY
from .errors import GatewayError, InvalidRequest, UnsupportedField
from .events import Event
from .frames import FrameKind, Framer, SseFramer
from .jsonfields import decode_value
from .messages import ChatRequest, ChatResponse
from .request import Request
from .wirevalues import ModelInfo, ProviderError, Route, Summary, WireRequest

T = TypeVar("T")
_decode_text: Final = msgspec.json.Decoder(str).decode


class Losses:
    """Collects the fields a client face cannot carry. The core then refuses the request, or drops and reports them."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def add(self, field: str, reason: str) -> None:
        """``field`` is the path as the client wrote it (``messages[2].name``); ``reason`` ends a sentence."""
        self._reasons.setdefault(field, reason)

    def __bool__(self) -> bool:
        return bool(self._reasons)

    @property
    def fields(self) -> tuple[str, ...]:
        """The lost fields, in the order they were met."""
        return tuple(self._reasons)

    def refuse(self) -> None:
        """Raise :class:`UnsupportedField` naming every lost field."""
        if self._reasons:
            told = "; ".join(f"{field}: {reason}" for field, reason in self._reasons.items())
            raise UnsupportedField(
                f"cannot be carried to the chosen provider: {told}. Remove the field, choose another model, "
                'or set [gateway] unsupported = "drop"',
                param=next(iter(self._reasons)),
            )


class EventWriter(Protocol):
    """Canonical events → the client's stream. One per stream; keeps that stream's state."""

    def write(self, event: Event) -> bytes:
        """The bytes for one event, maybe none (they may come with a later event)."""


class EventReader(Protocol):
    """The provider's stream → canonical events. One per stream; keeps that stream's state."""

    def read(self, frame: bytes) -> Iterable[Event]:
        """The events of one raw frame. Raises :class:`UpstreamBadResponse` for a malformed one."""

    def close(self) -> Iterable[Event]:
        """The provider closed the stream: what is left, ending in End or Failure unless one was given before."""


class StreamProbe(Protocol):
    """Watches a stream that is relayed untouched, reading no more of it than it must. One per stream."""

    summary: Summary
    """Usage and finish reason as far as they have been seen."""
    error: GatewayError | None
    """What the ERROR frame said."""
    complete: bool
    """Whether the provider may close now without anything missing."""

    def see(self, frame: bytes) -> FrameKind:
        """What one raw frame is. Raises :class:`UpstreamBadResponse` for one that must not be relayed."""


class Dialect(ABC):
    """One wire format. Stateless: all state of a stream lives in its reader, writer or probe."""

    name: ClassVar[str]
    """``vendor.operation``."""
    prefix: ClassVar[str]
    """The vendor's path prefix under which ``routes`` are served as well: ``/vendor``."""
    routes: ClassVar[tuple[Route, ...]]
    """Native paths."""
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    """Content type of a streamed answer."""
    keep_alive: ClassVar[bytes] = b": keep-alive\n\n"
    """What may be written to a waiting client without meaning anything."""
    end_marker: ClassVar[bytes] = b""
    """What a complete stream must end with, for a provider that forgot it (written when the probe says ``complete``)."""
    reset_headers: ClassVar[tuple[str, ...]] = ()
    """A provider's answer headers that say when an exhausted limit resets (seconds, Go durations or RFC 3339)."""
    relay_headers: ClassVar[tuple[str, ...]] = ()
    """A provider's answer headers that a client of the same dialect gets to see; a trailing ``*`` is a wildcard."""
    forward_headers: ClassVar[tuple[str, ...]] = ()
    """A client's request headers that a provider of the same dialect gets to see."""
    request_id_header: ClassVar[str] = "x-request-id"
    """Where this dialect's SDK looks for the request's id, besides ``x-request-id``."""

    def prepare(self) -> None:
        """Load what can wait until connections are accepted. A thread calls it then, once; a request may come before it."""
        return

    # ── server face ──────────────────────────────────────────────────────────────────────────────────────────────

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether a request to a path that several dialects serve is surely this one's, by its headers."""
        return False

    def read_head(self, fields: Mapping[str, msgspec.Raw], params: Mapping[str, str]) -> tuple[str, bool]:
        """The model's name and whether a stream is wanted, without decoding the rest."""
        try:
            model = _decode_text(fields["model"]) if not params else params["model"]
        except (KeyError, msgspec.DecodeError):
            model = params.get("model") or _field(fields, "model", str, "a string") or ""
        if not model:
            raise InvalidRequest("the field 'model' is missing", code="missing_required_parameter", param="model")
        return model, "stream" in fields and _field(fields, "stream", bool, "true or false") is True

    @abstractmethod
    def read_request(self, request: Request) -> ChatRequest:
        """A client's request → canonical. Raises :class:`InvalidRequest` with ``param``."""

    @abstractmethod
    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        """Canonical → the body a client of this dialect gets."""

    @abstractmethod
    def event_writer(self, request: Request) -> EventWriter:
        """A writer for the stream a client of this dialect gets."""

    @abstractmethod
    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of an error answer."""

    @abstractmethod
    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """The one terminal event of a stream that failed after it began."""

    def write_models(self, models: Sequence[ModelInfo]) -> bytes:
        """The body of the model list (operation ``models``)."""
        raise InvalidRequest(f"{self.name} has no list of models")

    def write_model(self, model: ModelInfo) -> bytes:
        """The body for one model (operation ``model``)."""
        raise InvalidRequest(f"{self.name} has no description of a model")

    def write_token_count(self, tokens: int) -> bytes:
        """The body of a token count (operation ``count_tokens``)."""
        raise InvalidRequest(f"{self.name} has no token count")

    # ── client face ──────────────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """The path below a provider's base URL; None when this dialect has no such operation."""

    def forward(self, request: Request, model: str) -> WireRequest:
        """A request of this very dialect, passed through: only what must change is changed."""
        headers: Mapping[str, str] = EMPTY
        if not request.headers.keys().isdisjoint(self.forward_headers):
            headers = {name: request.headers[name] for name in self.forward_headers if name in request.headers}
        body = request.body
        if body is None or model != request.model:
            fields = {**request.fields, "model": model} if "model" in request.fields else request.fields
            body = msgspec.json.encode(fields)
        return WireRequest(body, headers)

    @abstractmethod
    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """Canonical → the request to a provider, for the model of that name there. The same input gives the same bytes."""

    @abstractmethod
    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        """A provider's whole answer to ``wire`` → canonical. Raises :class:`UpstreamBadResponse`."""

    @abstractmethod
    def event_reader(self, wire: WireRequest) -> EventReader:
        """A reader for a provider's streamed answer to ``wire``."""

    @abstractmethod
    def probe(self, request: Request) -> StreamProbe:
        """A watcher for a stream relayed untouched to the client that sent ``request``."""

    @abstractmethod
    def summarise(self, body: bytes) -> Summary:
        """What the gateway must know of a whole answer that is relayed untouched. Raises :class:`UpstreamBadResponse`."""

    @abstractmethod
    def read_error(self, status: int, body: bytes) -> ProviderError:
        """A provider's error answer. Never raises: a body of another shape gives a generic text."""

    def framer(self) -> Framer:
        """Splits a provider's stream into raw frames, whatever the network's packets."""
        return SseFramer()


def _field(fields: Mapping[str, msgspec.Raw], name: str, kind: type[T], told: str) -> T | None:
    raw = fields.get(name)
    value = None if raw is None else decode_value(raw, name)
    if value is None or isinstance(value, kind):
        return value
    raise InvalidRequest(f"the field {name!r} must be {told}", code="invalid_type", param=name)
