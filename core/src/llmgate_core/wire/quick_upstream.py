"""The hot half of the way to providers: a request laid out before, over an idle connection. The rest is :class:`LeanUpstream`'s.

Has a compiled twin of the same name, which does what ``_patiently`` does where nothing is unusual, and else leaves it to that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..provider import Timeouts, UpstreamRequest
from ..upstream import Reply

if TYPE_CHECKING:
    from .lean_connection import LeanConnection
    from .lean_pool import LeanPool


class Prepared(NamedTuple):
    """A request's head up to its length. Holds on to ``headers``, so that their identity stays theirs."""

    headers: Mapping[str, str]
    url: str
    pool: LeanPool
    text: bytes


Asked = tuple["LeanConnection", float, Awaitable[None] | None, BaseException | None]
"""A request that was sent: over what, until when (``time.monotonic()``) a head must come, what to await first, what failed."""


class QuickUpstream:
    """Sends requests. ``heads`` are those laid out before, by the identity of their headers; ``reply`` makes an answer of
    (status, headers, connection, pool, None).
    """

    def __init__(self, heads: dict[int, Prepared], reply: Callable[..., Reply]) -> None:
        self._heads = heads

    @abstractmethod
    async def _patiently(
        self, request: UpstreamRequest, timeouts: Timeouts, deadline: float, asked: Asked | None = None
    ) -> Reply:
        """Send any request, or go on with one that was ``asked``."""

    def send(self, request: UpstreamRequest, timeouts: Timeouts, deadline: float) -> Awaitable[Reply]:
        """See :class:`~llmgate_core.upstream.Upstream`."""
        return self._patiently(request, timeouts, deadline)
