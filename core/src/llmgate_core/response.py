"""A complete answer on its way to the client: the provider's bytes, or a canonical value, or both.

Immutable like :class:`~llmgate_core.request.Request`, and changed through the same kind of door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .decisions import EMPTY
from .messages import ChatResponse


class Response:
    """Either ``body`` (bytes for the client, in its dialect) or a canonical value that the core will write.

    A plugin that answers a request itself returns ``Response.of(chat_response)``: it is written in the client's dialect, as
    a stream when one was asked for. ``Response(status=…, body=…)`` goes out as it is.
    """

    __slots__ = ("_canonical", "_decode", "body", "edited", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] = EMPTY,
        decode: Callable[[], ChatResponse] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.edited = False
        self._decode = decode
        self._canonical: ChatResponse | None = None

    @classmethod
    def of(cls, canonical: ChatResponse, *, headers: Mapping[str, str] = EMPTY) -> Response:
        """A successful answer with this content."""
        response = cls(200, None, headers=headers)
        response._canonical = canonical
        response.edited = True
        return response

    @property
    def canonical(self) -> ChatResponse | None:
        """The answer in canonical form, decoded on first use; None for an answer that has none (not a chat)."""
        if self._canonical is None and self._decode is not None:
            self._canonical = self._decode()
        return self._canonical

    def with_canonical(self, canonical: ChatResponse) -> Response:
        """The same answer with another content."""
        changed = Response.of(canonical, headers=self.headers)
        changed.status = self.status
        return changed

    def with_header(self, name: str, value: str) -> Response:
        """The same answer with one more header (lower-case name)."""
        changed = Response(self.status, self.body, headers={**self.headers, name: value}, decode=self._decode)
        changed._canonical = self._canonical
        changed.edited = self.edited
        return changed
