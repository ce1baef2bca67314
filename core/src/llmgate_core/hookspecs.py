"""The hooks, in the order of one request's life. This file is the contract and its documentation.

A plugin is a class; each method named like a hook is an implementation of it (``@hookimpl`` is needed only for
``tryfirst`` or ``trylast``). A hook may be ``def`` or ``async def`` and may leave out arguments it does not need.

Three kinds, three failure rules. CHAIN: run in order, each sees its predecessor's value; fails closed. FIRST: the first
answer that is not None wins; fails closed. OBSERVE: all run; an exception is logged and counted, the request never
notices. "Fails closed" means that the request ends with ``plugin_error``; a plugin refuses a request on purpose by
raising a :class:`~llmgate_core.errors.GatewayError`.

Order is the config's ``plugins`` list, outermost first; hooks of the way back run in reverse.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import pluggy
from attrs import frozen

if TYPE_CHECKING:
    import click

    from .decisions import Key, Next, Retry, Target
    from .dialect import Dialect
    from .endpoints import EndpointRouter
    from .events import Event
    from .exchange import Attempt, Exchange
    from .gateway import Gateway
    from .provider import Provider
    from .request import Request
    from .response import Response

PROJECT: Final = "llmgate"
HOOK_API: Final = 1
"""Raised when a signature changes. A plugin that says ``hook_api = N`` is checked against it at load."""

Kind = Literal["START", "STACK", "CHAIN", "FIRST", "OBSERVE"]
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@frozen
class HookKind:
    """How a hook's implementations are combined. ``threads`` names the argument a CHAIN hands on (None: stop at an answer)."""

    kind: Kind
    threads: str | None = None
    way_back: bool = False
    may_return: tuple[str, ...] = ()


class HookSpecs:
    """All hooks. ``kinds()`` says how each is run."""

    # ── start ────────────────────────────────────────────────────────────────────────────────────────────────────

    @hookspec
    def llmgate_register_providers(self, register: Callable[[type[Provider]], None]) -> None:
        """Offer provider types: ``register(MyProvider)``; the name is the class's ``type``.

        When: at start, before the config's ``[providers]`` are built. Returns: nothing. Default: no provider types.
        Raises: a duplicate name ends the start. Since: 1.
        """

    @hookspec
    def llmgate_register_dialects(self, register: Callable[[Dialect], None]) -> None:
        """Offer wire formats: ``register(MyDialect())``.

        When: at start, before routes are laid. Returns: nothing. Default: no dialects.
        Raises: a duplicate name ends the start. Since: 1.
        """

    @hookspec
    def llmgate_register_routes(self, router: EndpointRouter) -> None:
        """Offer HTTP endpoints that are no dialect's: ``router.add("GET", "/metrics", handler)``.

        When: at start, after providers and dialects. Returns: nothing. Default: no endpoints.
        Raises: a path that is taken ends the start. Since: 1.
        """

    @hookspec
    def llmgate_register_commands(self, cli: click.Group) -> None:
        """Add commands to ``llmgate``: ``cli.add_command(my_command)``.

        When: the command line starts. Returns: nothing. Default: no commands.
        Raises: the plugin's commands are left out, and a warning says why. Since: 1.
        """

    @hookspec
    def llmgate_lifespan(self, gateway: Gateway) -> AbstractAsyncContextManager[None]:  # type: ignore[empty-body]  # a spec has no body
        """Open what lives as long as the gateway: files, pools, tasks.

        When: entered in order before the first request, left in reverse order after the last one.
        Returns: an async context manager. Default: nothing to open. Raises: an exception on entering ends the start. Since: 1.
        """

    # ── request ──────────────────────────────────────────────────────────────────────────────────────────────────

    @hookspec
    def llmgate_pre_request(self, exchange: Exchange) -> Response | Awaitable[Response | None] | None:
        """See every request first: identify, limit, refuse, change (``exchange.request``), or answer it.

        When: once per request, before any provider is thought of. Returns: None to go on, a Response to answer now.
        Default: go on. Raises: fails closed. Since: 1.
        """

    @hookspec
    def llmgate_select_provider(
        self, exchange: Exchange, targets: tuple[Target, ...]
    ) -> tuple[Target, ...] | Awaitable[tuple[Target, ...] | None] | None:
        """Make or change the plan: the targets, in the order they will be tried.

        When: once per request, after ``llmgate_pre_request``. Returns: None to leave the plan, or a new tuple of Targets.
        Default: the empty plan, answered with 404. Raises: fails closed. Since: 1.
        """

    # ── attempt ──────────────────────────────────────────────────────────────────────────────────────────────────

    @hookspec
    def llmgate_select_key(self, exchange: Exchange, target: Target) -> Key | Awaitable[Key | None] | None:
        """Pick the credential for one attempt out of ``exchange.attempt.provider.keys``.

        When: once per attempt at a provider that has keys. Returns: a Key, or None to leave it to the next plugin.
        Default: the first key that allows the model. Raises: fails closed; NoKeyAvailable goes to ``llmgate_on_error``. Since: 1.
        """

    @hookspec
    def llmgate_transform_request(
        self, exchange: Exchange, request: Request
    ) -> Request | Awaitable[Request | None] | None:
        """Last touch to what one attempt sends; the next attempt starts from the original again.

        When: once per attempt, after the key was chosen. Returns: None, or another Request. Default: as it came.
        Raises: fails closed. Since: 1.
        """

    @hookspec
    def llmgate_transform_response(
        self, exchange: Exchange, response: Response
    ) -> Response | Awaitable[Response | None] | None:
        """Change a whole answer before it is committed.

        When: once per attempt that gave a whole answer; on the way back, in reverse order.
        Returns: None, or another Response. Default: as it came. Raises: fails closed. Since: 1.
        """

    @hookspec
    def llmgate_transform_event(self, exchange: Exchange, event: Event) -> Event | Awaitable[Event | None] | None:
        """Change one event of a streamed answer.

        When: for every event; on the way back, in reverse order. An implementation means that streams are decoded, never
        relayed as bytes. Returns: None, or another event. Default: as it came. Raises: fails closed. Since: 1.
        """

    @hookspec
    def llmgate_on_error(
        self, exchange: Exchange, error: Exception
    ) -> Retry | Next | Response | Awaitable[Retry | Next | Response | None] | None:
        """Decide what follows a failed attempt (``exchange.attempt``), as long as nothing was committed.

        When: once per failed attempt; on the way back, in reverse order: what is listed last decides first.
        Returns: Retry(after) for the same target, Next() for the next one, a Response to answer, None for no opinion.
        Default: the error is the answer. Raises: fails closed. Since: 1.
        """

    @hookspec
    def llmgate_attempt_done(self, exchange: Exchange, attempt: Attempt) -> Awaitable[None] | None:
        """Look at an attempt that is over, in whatever way.

        When: once per attempt; on the way back, in reverse order. Returns: nothing. Default: nothing.
        Raises: logged and counted. Since: 1.
        """

    @hookspec
    def llmgate_post_response(self, exchange: Exchange) -> Awaitable[None] | None:
        """Look at a request that is over: answered, failed, or left by its client.

        When: exactly once per request, after the last byte; on the way back, in reverse order. Returns: nothing.
        Default: nothing. Raises: logged and counted. Since: 1.
        """


_KINDS: Final = MappingProxyType(
    {
        "llmgate_register_providers": HookKind("START"),
        "llmgate_register_dialects": HookKind("START"),
        "llmgate_register_routes": HookKind("START"),
        "llmgate_register_commands": HookKind("START"),
        "llmgate_lifespan": HookKind("STACK"),
        "llmgate_pre_request": HookKind("CHAIN", may_return=("Response",)),
        "llmgate_select_provider": HookKind("CHAIN", threads="targets", may_return=("tuple",)),
        "llmgate_select_key": HookKind("FIRST", may_return=("Key",)),
        "llmgate_transform_request": HookKind("CHAIN", threads="request", may_return=("Request",)),
        "llmgate_transform_response": HookKind("CHAIN", threads="response", way_back=True, may_return=("Response",)),
        "llmgate_transform_event": HookKind("CHAIN", threads="event", way_back=True, may_return=("event",)),
        "llmgate_on_error": HookKind("FIRST", way_back=True, may_return=("Retry", "Next", "Response")),
        "llmgate_attempt_done": HookKind("OBSERVE", way_back=True),
        "llmgate_post_response": HookKind("OBSERVE", way_back=True),
    }
)


def kinds() -> Mapping[str, HookKind]:
    """Each hook's kind, in the order of life."""
    return _KINDS


def signature(name: str) -> dict[str, Any]:
    """The argument names of a hook and its kind: what the snapshot test compares."""
    import inspect

    spec = getattr(HookSpecs, name)
    return {"arguments": list(inspect.signature(spec).parameters)[1:], "kind": kinds()[name].kind}
