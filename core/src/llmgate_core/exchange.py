"""The one object that travels: a client's request, what was decided about it, and how it ended.

What is made for every request is a :class:`msgspec.Struct`: its ``__init__`` is C, several times faster than a Python one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from attrs import frozen

from .decisions import EMPTY, Key, Target
from .dialect import Dialect
from .errors import GatewayError
from .messages import FinishReason
from .provider import Provider
from .request import Request
from .structs import quickly_set
from .upstream_errors import AttemptClass
from .usage import Usage

Outcome = Literal["pending", "ok", "error", "partial", "client_left"]


class Head(msgspec.Struct):
    """The head of the client's HTTP request. ``headers`` are lower-case; ``path`` is as sent, without the query.

    Requests over one connection that repeat their head share it. So what a plugin finds out from nothing but the head it may
    keep in ``memo``, with itself as the key: it is found out once, and forgotten with the head.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    peer: str = ""
    memo: dict[object, Any] = {}  # an empty one of its own


@frozen
class Caller:
    """Who asks, as an auth plugin found out. ``name`` is safe to log; ``attributes`` are the plugin's."""

    name: str
    attributes: Mapping[str, Any] = EMPTY


@quickly_set
class Attempt(msgspec.Struct, eq=False):
    """One try at one target. Times are seconds of ``time.monotonic()``.

    ``result`` is set when the attempt is over. ``status`` is the provider's HTTP status, None when there was none.
    """

    number: int
    target: Target
    provider: Provider
    started_at: float
    dialect: Dialect | None = None
    key: Key | None = None
    status: int | None = None
    first_byte_at: float | None = None
    ended_at: float | None = None
    result: AttemptClass | None = None
    error: GatewayError | None = None
    usage: Usage | None = None
    upstream_headers: Mapping[str, str] = EMPTY


@quickly_set
class Exchange(msgspec.Struct, eq=False):
    """One request through the house. Plugins read it and put what is theirs into ``state[<plugin name>]``.

    Times are seconds of ``time.monotonic()``, ``started`` is Unix time. ``waited`` sums the time spent waiting for
    providers, back-off included: ``ended_at - received_at - waited`` is the gateway's own. ``response_headers`` go to the client.
    """

    id: str
    head: Head
    dialect: Dialect
    operation: str
    request: Request
    received_at: float
    started: float
    deadline: float
    extensions: dict[str, Any] = {}  # an empty one of its own, as for each container below
    caller: Caller | None = None
    plan: tuple[Target, ...] = ()
    attempts: list[Attempt] = []
    state: dict[str, Any] = {}
    response_headers: dict[str, str] = {}
    pure: bool = True

    # how it ended, set by the core
    status: int = 0
    outcome: Outcome = "pending"
    error: GatewayError | None = None
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    committed_at: float | None = None
    first_content_at: float | None = None
    ended_at: float | None = None
    waited: float = 0.0
    bytes_sent: int = 0

    @property
    def attempt(self) -> Attempt:
        """The attempt that is running, or ran last."""
        return self.attempts[-1]

    @property
    def model(self) -> str:
        """The model's name as the client asked for it."""
        return self.request.model

    @property
    def stream(self) -> bool:
        """Whether the client asked for a stream."""
        return self.request.stream
