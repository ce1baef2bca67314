"""From a request's head and body to an :class:`Exchange`: everything that can be wrong before a plugin sees it."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from .config import GatewayConfig
from .decisions import EMPTY
from .dialect import Dialect
from .errors import GatewayError, InvalidRequest, NotFound, RequestTooLarge, UnsupportedMedia
from .exchange import Exchange, Head
from .jsonfields import decode_value, split_fields
from .registry import Registry
from .request import Request
from .response import Response
from .routes import Match, Routes

CONTROL_FIELDS: Final = frozenset(
    {
        "api_base",
        "base_url",
        "api_key",
        "api_version",
        "extra_headers",
        "extra_body",
        "headers",
        "callback_url",
        "mock_response",
    }
)
"""Fields that steer other gateways from inside the body. No provider knows them; here they are refused, never obeyed."""


_LONGEST_MODEL: Final = 512
_LAST_DIGITS: Final = tuple(f"{number:02x}" for number in range(256))


def new_id() -> str:
    """A request id for an answer that has no exchange."""
    return f"req_{secrets.token_hex(12)}"


def _ids() -> Iterator[str]:
    """Unpredictable per gateway, then counted: as unique as drawing each id, at a fraction of the price."""
    drawn = f"req_{secrets.token_hex(7)}"
    for block in itertools.count(secrets.randbits(24)):
        front = f"{drawn}{block:08x}"
        for last in _LAST_DIGITS:
            yield front + last


class Intake:
    """Checks heads and bodies, and opens exchanges."""

    def __init__(self, config: GatewayConfig, registry: Registry) -> None:
        self.routes = Routes(registry)
        self._config = config
        self._registry = registry
        self._special = registry.claims | CONTROL_FIELDS
        self._total_timeout = config.total_timeout
        self._next_id = _ids().__next__

    def check_head(self, head: Head) -> None:
        """What can be refused before the body is read. Raises a :class:`GatewayError`."""
        encoding = head.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise UnsupportedMedia("the body is compressed; send it without content-encoding")
        kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
        if head.method == "POST" and kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMedia("the body must be JSON: send the header content-type: application/json")
        length = head.headers.get("content-length", "0")
        if length.isdecimal() and int(length[:18]) > self._config.max_body:
            raise RequestTooLarge(f"the body is larger than {self._config.max_body} bytes ([gateway] max_body)")

    def open(self, head: Head, match: Match, body: bytes) -> tuple[Exchange, GatewayError | None]:
        """The exchange for a dialect's route, and what is wrong with its body, if anything is."""
        dialect, route = match.dialect, match.route
        if dialect is None or route is None:
            raise TypeError("an endpoint has no exchange")
        now = time.monotonic()
        extensions: dict[str, object] = {}
        refused: GatewayError | None = None
        try:
            if head.method == "POST":
                request = self._read(dialect, route.operation, match, head=head, body=body, extensions=extensions)
            else:
                model, params = match.params.get("model", ""), match.params
                request = Request(dialect, route.operation, {}, model, False, None, params, head.headers)
        except GatewayError as error:
            refused = error
            request = Request(dialect, route.operation, {}, "", False, None, EMPTY, head.headers)
        exchange = Exchange(
            self._next_id(),
            head,
            dialect,
            route.operation,
            request,
            now,
            time.time(),
            now + self._total_timeout,
            extensions,
            pure=route.pure,
        )
        return exchange, refused

    def _read(
        self, dialect: Dialect, operation: str, match: Match, *, head: Head, body: bytes, extensions: dict[str, object]
    ) -> Request:
        fields: Mapping[str, msgspec.Raw] = split_fields(body)
        whole: bytes | None = body
        if not self._special.isdisjoint(fields):
            fields = self._without_claimed(fields, extensions)
            whole = None
        model, stream = dialect.read_head(fields, match.params)
        if len(model) > _LONGEST_MODEL:
            raise NotFound("the model's name is longer than 512 characters", code="model_not_found", param="model")
        return Request(
            dialect, operation, fields, model, stream and operation == "chat", whole, match.params, head.headers
        )

    def _without_claimed(
        self, fields: Mapping[str, msgspec.Raw], extensions: dict[str, object]
    ) -> Mapping[str, msgspec.Raw]:
        """The fields that go on to a provider; those that plugins claimed are decoded into ``extensions``."""
        if not CONTROL_FIELDS.isdisjoint(fields):
            name = min(CONTROL_FIELDS & fields.keys())
            raise InvalidRequest(
                f"the field {name!r} is not allowed in a request; providers are set up in the gateway's configuration",
                code="parameter_not_allowed",
                param=name,
            )
        claimed = self._registry.claims & fields.keys()
        for name in claimed:
            extensions[name] = decode_value(fields[name], name)
        return {name: raw for name, raw in fields.items() if name not in claimed}

    def models_answer(self, exchange: Exchange) -> Response:
        """The list of models, or one of them, out of what the configuration names."""
        models = self._registry.models()
        if exchange.operation == "models":
            return Response(200, exchange.dialect.write_models(models))
        for model in models:
            if model.id == exchange.model:
                return Response(200, exchange.dialect.write_model(model))
        raise NotFound(f"there is no model {exchange.model[:100]!r}", code="model_not_found", param="model")

    def error_dialect(self, head: Head) -> Dialect | None:
        """In whose format to answer a request that matched no route."""
        return self.routes.likely_dialect(head)
