"""HTTP endpoints that are no dialect's: metrics, administration, a user interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import frozen

from .decisions import EMPTY
from .exchange import Head


@frozen
class EndpointRequest:
    """A request to an endpoint. ``params`` are the path's ``{name}`` parts, percent-decoded."""

    head: Head
    body: bytes = b""
    params: Mapping[str, str] = EMPTY


@frozen
class EndpointResponse:
    """An endpoint's answer."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = EMPTY


EndpointHandler = Callable[[EndpointRequest], Awaitable[EndpointResponse]]


class EndpointRouter:
    """Collects endpoints while plugins register them."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], EndpointHandler] = {}

    def add(self, method: str, path: str, handler: EndpointHandler) -> None:
        """Serve ``path`` (``{name}`` is one segment) with ``handler``. Raises ValueError when it is taken."""
        if (method, path) in self._routes:
            raise ValueError(f"the endpoint {method} {path} is registered twice")
        self._routes[method, path] = handler

    @property
    def routes(self) -> Mapping[tuple[str, str], EndpointHandler]:
        """``{(method, path): handler}``"""
        return dict(self._routes)
