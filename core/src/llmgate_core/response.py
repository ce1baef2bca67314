"""A complete answer on its way to the client: the provider's bytes, or a canonical value, or both.

Immutable like :class:`~llmgate_core.request.Request`, and changed through the same kind of door.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from .decisions import EMPTY
from .messages import ChatResponse
from .wirevalues import WireRequest

if TYPE_CHECKING:
    from .dialect import Dialect


class Response(msgspec.Struct, eq=False):
    """Either ``body`` (bytes for the client, in its dialect) or a canonical value that the core will write.

    A plugin that answers a request itself returns ``Response.of(chat_response)``: it is written in the client's dialect,
    as a stream when one was asked for. ``Response(status=…, body=…)`` goes out as it is.
    """

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = EMPTY
    dialect: Dialect | None = None
    wire: WireRequest | None = None
    edited: bool = False
    _canonical: ChatResponse | None = None

    @classmethod
    def of(cls, canonical: ChatResponse, *, status: int = 200, headers: Mapping[str, str] = EMPTY) -> Response:
        """A successful answer with this content."""
        return cls(status, None, headers=headers, edited=True, _canonical=canonical)

    @property
    def canonical(self) -> ChatResponse | None:
        """The answer in canonical form, decoded on first use; None for an answer that has none (not a chat)."""
        if self._canonical is None and self.dialect is not None and self.wire is not None and self.body is not None:
            self._canonical = self.dialect.read_response(self.body, self.wire)
        return self._canonical

    def with_canonical(self, canonical: ChatResponse) -> Response:
        """The same answer with another content."""
        return Response.of(canonical, status=self.status, headers=self.headers)

    def with_header(self, name: str, value: str) -> Response:
        """The same answer with one more header (lower-case name)."""
        return Response(
            self.status,
            self.body,
            headers={**self.headers, name: value},
            dialect=self.dialect,
            wire=self.wire,
            edited=self.edited,
            _canonical=self._canonical,
        )
