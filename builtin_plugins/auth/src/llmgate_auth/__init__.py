"""Client keys: who may use the gateway."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from attrs import define, field

from llmgate_core import Caller, Exchange, Plugin
from llmgate_core.config import ConfigError
from llmgate_core.errors import PermissionDenied
from llmgate_core.strict import Mistake

from .addresses import is_loopback
from .config import SHORTEST, AuthConfig, ClientKey
from .credentials import CredentialReader, digest_of, refused

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

__all__ = ("AuthConfig", "AuthPlugin", "ClientKey")

logger: Final = logging.getLogger(__name__)
_NOBODY: Final = bytes(32)
_MOST_SEEN: Final = 1024
_LONGEST_SEEN: Final = 256


@define
class _Client:
    """What is known of a key's owner. ``seen`` are models it asked for, and may: patterns are matched once for each."""

    digest: bytes
    caller: Caller
    models: tuple[str, ...]
    seen: set[str] = field(factory=set)

    def may_ask_for(self, model: str) -> bool:
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


class AuthPlugin(Plugin):
    """Asks every request for a client key and names the caller; guards the start against an open door.

    Keys are kept and compared as SHA-256 digests of the whole key, so that neither the time nor the length of anything
    depends on how much of a key was right.
    """

    config_class = AuthConfig

    def __init__(self, config: AuthConfig) -> None:
        super().__init__(config)
        self._config = config
        self._on = True
        self._reader = CredentialReader(config.headers)
        self._clients = {key.digest: _Client(key.digest, Caller(key.name), tuple(key.models)) for key in config.keys}

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Decide whether keys are asked for. Raises :class:`ConfigError` rather than leave a public address open."""
        host = gateway.config.gateway.host
        mistake = self._mistake(host)
        if mistake is not None:
            raise ConfigError([mistake], gateway.config.file)
        enabled = self._config.enabled
        self._on = bool(self._config.keys) if enabled == "auto" else enabled
        if not self._on and not is_loopback(host):
            logger.warning("the gateway binds %s and asks nobody for a key (allow_public_without_auth is on)", host)
        yield

    def llmgate_pre_request(self, exchange: Exchange) -> None:
        """Name the caller, or refuse: 401 without a good key, 400 with two, 403 for a model the key may not ask for."""
        if not self._on:
            return
        head = exchange.head
        client: _Client | None = head.memo.get(self)
        if client is None:
            client = head.memo[self] = self._client_of(head.headers)
        exchange.caller = client.caller
        if client.models and (exchange.extensions or exchange.request.model not in client.seen):
            _check_models(exchange, client)

    def _client_of(self, headers: Mapping[str, str]) -> _Client:
        digest = digest_of(self._reader.read(headers))
        client = self._clients.get(digest)
        same = hmac.compare_digest(digest, _NOBODY if client is None else client.digest)
        if client is None or not same:
            raise refused("the API key is not known to this gateway", "invalid_api_key")
        return client

    def _mistake(self, host: str) -> Mistake | None:
        config = self._config
        if is_loopback(host):
            return None
        short = [key.name for key in config.keys if key.short]
        if config.enabled is not False and short:
            return Mistake(
                "plugins.auth.keys",
                f"the gateway binds {host}, where others can try keys, and {', '.join(map(repr, short))} can be guessed",
                f"give keys of at least {SHORTEST} characters",
            )
        if (config.keys and config.enabled is not False) or config.allow_public_without_auth:
            return None
        return Mistake(
            "plugins.auth",
            f"the gateway binds {host}, which others can reach, and would ask nobody for a key",
            'add [[plugins.auth.keys]] with name and key, bind [gateway] host = "127.0.0.1", '
            "or set [plugins.auth] allow_public_without_auth = true",
        )


def _check_models(exchange: Exchange, client: _Client) -> None:
    """Every model the body names must be one of the client's."""
    for model in _asked_models(exchange):
        if not client.may_ask_for(model):
            raise PermissionDenied(
                f"the API key of {client.caller.name!r} may not ask for the model {model[:100]!r}; "
                f"it may ask for: {', '.join(client.models)}",
                code="model_not_allowed",
                param="model",
            )
    if len(exchange.model) <= _LONGEST_SEEN:  # clients make names up; what they cost stays bounded
        if len(client.seen) >= _MOST_SEEN:
            client.seen.clear()
        client.seen.add(exchange.model)


def _asked_models(exchange: Exchange) -> Iterator[str]:
    """Every model the body names: the one asked for, and those a client lists in case it fails."""
    if exchange.model:
        yield exchange.model
    fallbacks = exchange.extensions.get("fallbacks")
    for named in fallbacks if isinstance(fallbacks, list) else ():
        model = named.get("model") if isinstance(named, dict) else named
        if isinstance(model, str):
            yield model
