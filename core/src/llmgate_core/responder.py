"""How the pipeline answers: a few calls that every lane offers. Nothing above the wire sees more of the client."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol


class Responder(Protocol):
    """Writes one response. Each call returns when the client's side has room again (backpressure)."""

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> Awaitable[None] | None:
        """All three at once, for an answer that is complete. What must be awaited, None when there is nothing to wait for."""

    async def start(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """Begin: status, headers (lower-case), and the body's length in bytes (None: not known, a stream)."""

    async def write(self, data: bytes) -> None:
        """The next bytes of the body."""

    async def end(self) -> None:
        """The body is complete."""
