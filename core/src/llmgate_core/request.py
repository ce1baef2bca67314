"""A client's request: bytes, split once, decoded only when somebody asks.

Immutable. A plugin changes a request through one door: :meth:`Request.with_canonical` or :meth:`Request.with_field`
give a new one, and the core then knows whether bytes can still be passed through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from .decisions import EMPTY
from .errors import InvalidRequest
from .jsonfields import decode_value
from .messages import ChatRequest

if TYPE_CHECKING:
    from .dialect import Dialect


class Request(msgspec.Struct, eq=False):
    """``fields`` are the top-level fields as raw JSON; ``params`` what stood in the path (``{model}``).

    ``model`` is the name the client asked for, ``stream`` whether it wants a stream. ``body`` is the bytes as they came,
    None once a field was changed; ``headers`` the client's, lower-case.
    """

    dialect: Dialect
    operation: str
    fields: Mapping[str, msgspec.Raw]
    model: str
    stream: bool
    body: bytes | None = None
    params: Mapping[str, str] = EMPTY
    headers: Mapping[str, str] = EMPTY
    edited: bool = False
    _canonical: ChatRequest | None = None

    @property
    def canonical(self) -> ChatRequest:
        """The request in canonical form, decoded on first use. Raises :class:`InvalidRequest`."""
        if self._canonical is None:
            try:
                self._canonical = self.dialect.read_request(self)
            except RecursionError:
                raise InvalidRequest("the request is nested too deeply", code="invalid_json") from None
        return self._canonical

    def value(self, name: str, default: Any = None) -> Any:
        """One top-level field as a Python value."""
        raw = self.fields.get(name)
        return default if raw is None else decode_value(raw, name)

    def with_canonical(self, canonical: ChatRequest) -> Request:
        """The same request with another content: from here on it is written anew for every provider."""
        changed = self._copy(self.fields, None)
        changed._canonical = canonical
        changed.edited = True
        changed.stream = canonical.stream
        return changed

    def with_field(self, name: str, value: Any) -> Request:
        """The same request with one raw top-level field set. Bytes of the other fields stay as they came."""
        return self._copy({**self.fields, name: msgspec.Raw(msgspec.json.encode(value))}, None)

    def without_field(self, name: str) -> Request:
        """The same request without one raw top-level field."""
        return self._copy({key: raw for key, raw in self.fields.items() if key != name}, None)

    def _copy(self, fields: Mapping[str, msgspec.Raw], body: bytes | None) -> Request:
        if self.edited:
            raise TypeError("this request was given a canonical value; change that one (attrs.evolve), not a raw field")
        model, stream = self.dialect.read_head(fields, self.params)
        return Request(
            self.dialect,
            self.operation,
            fields,
            model=model,
            stream=stream,
            body=body,
            params=self.params,
            headers=self.headers,
        )
