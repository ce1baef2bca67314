"""A provider: where requests go, in which dialects, and how they are authorised.

It does no I/O. It *describes* the upstream request; the core sends it, so that pooling, time limits, TLS, cancellation
and accounting exist once. A :class:`LocalProvider` answers in process instead.
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

import msgspec
from attrs import define, field, validators

from .decisions import EMPTY, Key
from .dialect import Dialect
from .errors import NotFound
from .events import Event
from .messages import ChatRequest
from .secrets import Secret

_MOST_WRITTEN: Final = 1024


@define
class KeyConfig:
    """One key: ``value``, ``env`` or ``file`` (in the config also just a string), with options.

    ``models`` are shell patterns of the models the key may be used for; ``name`` is shown in logs and metrics.
    """

    secret: Secret
    name: str | None = None
    weight: float = field(default=1.0, validator=[validators.ge(0), validators.lt(1e9)])
    models: list[str] = field(factory=list)


@define
class Timeouts:
    """Seconds. ``first_byte`` runs until the first content, ``idle`` between pieces. The total is ``[gateway] total_timeout``."""

    connect: float = field(default=5.0, validator=validators.gt(0))
    first_byte: float = field(default=120.0, validator=validators.gt(0))
    idle: float = field(default=120.0, validator=validators.gt(0))


@define
class ProviderConfig:
    """``[providers.<name>]``, the fields every provider type has. A type may subclass it."""

    type: str | None = None
    models: list[str] = field(factory=list)


@define
class HttpProviderConfig(ProviderConfig):
    """What a provider reached over HTTP has as well. ``base_url`` means what it means in the vendor's official SDK."""

    base_url: str | None = None
    keys: list[KeyConfig] = field(factory=list)
    headers: dict[str, str] = field(factory=dict)
    timeouts: Timeouts = field(factory=Timeouts)


class Call(msgspec.Struct):
    """One attempt, as the dialect wrote it: what a provider turns into an :class:`UpstreamRequest`."""

    operation: str
    dialect: Dialect
    model: str
    stream: bool
    body: bytes
    headers: Mapping[str, str] = EMPTY
    key: Key | None = None


class UpstreamRequest(msgspec.Struct):
    """A complete HTTP request. ``headers`` are lower-case; content-length, host and accept-encoding are the core's."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, more: Mapping[str, str]) -> UpstreamRequest:
        """The same request with more headers (lower-case names), or others in place of those it has."""
        return UpstreamRequest(self.method, self.url, {**self.headers, **more}, self.body)


class Provider(ABC):
    """The part all providers share. One instance per ``[providers.<name>]`` table."""

    type: ClassVar[str]
    """The name of the type: what ``type = …`` in the config says, by default the table's own name."""
    config_class: ClassVar[builtins.type[ProviderConfig]] = ProviderConfig
    dialects: ClassVar[tuple[str, ...]] = ()
    """The dialects it speaks, the preferred one first."""
    known_models: ClassVar[tuple[str, ...]] = ()
    """Models it is known to have, for lists; used for a bare name as well."""
    model_patterns: ClassVar[tuple[str, ...]] = ()
    """Shell patterns of bare names that belong to it: ``name-*``."""
    usual_env: ClassVar[str | None] = None
    """The environment variable that customarily holds its key; when it is set, the provider needs no config."""
    always_on: ClassVar[bool] = False
    """Whether an instance exists even when the config does not name it."""

    def __init__(self, name: str, config: Any) -> None:
        self.name = name
        self.config = config
        self.keys: tuple[Key, ...] = ()
        self.timeouts = Timeouts()
        configured: ProviderConfig = config
        self.models = tuple(configured.models) or self.default_models()

    def default_models(self) -> tuple[str, ...]:
        """The models to list when the config names none."""
        return self.known_models

    def serves(self, model: str) -> bool:
        """Whether a bare model name belongs to this provider."""
        return model in self.models or any(fnmatchcase(model, pattern) for pattern in self.model_patterns)


_Written = tuple[Key | None, str, Mapping[str, str]]
"""The key, URL and headers of a call."""


class HttpProvider(Provider):
    """A provider reached over HTTP. A subclass sets the class variables and, mostly, only :meth:`authorise`."""

    config_class = HttpProviderConfig
    default_base_url: ClassVar[str | None] = None

    def __init__(self, name: str, config: Any) -> None:
        super().__init__(name, config)
        http: HttpProviderConfig = config
        base_url = http.base_url or self.default_base_url
        if not base_url:
            raise ValueError(f"provider {name!r} needs a base_url")
        self.base_url = base_url.rstrip("/")
        self.own_host = http.base_url is None or self.base_url == self.default_base_url
        self.timeouts = http.timeouts
        self._written: dict[tuple[object, ...], _Written] = {}
        self.keys = tuple(
            Key(key.secret, key.name or key.secret.fingerprint, key.weight, tuple(key.models)) for key in http.keys
        )

    def default_models(self) -> tuple[str, ...]:
        """The type's known models, but only at the vendor's own host: a compatible server has others."""
        http: HttpProviderConfig = self.config
        return self.known_models if http.base_url in (None, self.default_base_url) else ()

    def serves(self, model: str) -> bool:
        """Configured names anywhere; the type's patterns only at the vendor's own host."""
        return super().serves(model) if self.own_host else model in self.models

    @abstractmethod
    def authorise(self, key: Key) -> Mapping[str, str]:
        """The headers (lower-case) that carry ``key``."""

    def describe(self, call: Call) -> UpstreamRequest:
        """The HTTP request for one attempt. Raises :class:`NotFound` for an operation the dialect has not."""
        key, own = call.key, call.headers
        named: tuple[object, ...] = (id(key), call.operation, call.dialect.name, call.model, call.stream)
        if own:
            named += tuple(own.items())
        known = self._written.get(named)
        if known is None or known[0] is not key:
            known = self._write(call, named)
        return UpstreamRequest("POST", known[1], known[2], call.body)

    def _write(self, call: Call, named: tuple[object, ...]) -> _Written:
        """URL and headers, the same objects each time: whoever writes them on the wire need do so once."""
        path = call.dialect.path(call.operation, call.model, call.stream)
        if path is None:
            raise NotFound(f"provider {self.name!r} has no operation {call.operation!r}", code="unsupported_operation")
        headers = {"content-type": "application/json", **call.headers, **self.config.headers}
        if call.key is not None:
            headers.update(self.authorise(call.key))
        if len(self._written) >= _MOST_WRITTEN:
            self._written.clear()
        written = self._written[named] = (call.key, self.base_url + path, headers)
        return written


class LocalProvider(Provider):
    """A provider that answers in process: a demonstration, a cache, a local model."""

    @abstractmethod
    def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
        """The answer as canonical events (an ``async def`` with ``yield``); the core assembles them when no stream is wanted.

        ``chat.model`` is the model's name at this provider. An error raised before the first event falls back like any
        other; closing the iterator is how the client's leaving is told.
        """
