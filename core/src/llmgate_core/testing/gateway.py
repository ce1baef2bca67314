"""A real gateway in this very process, on a loopback port of its own::

    async def test_my_plugin(serve_gateway):
        async with serve_gateway({"plugins": {"my_plugin": {"word": "x"}}}, plugins=[MyPlugin]) as server:
            ...  # speak to server.url with any HTTP client

It has the vendor-free dialect and providers of :mod:`llmgate_core.testing.plain`, so that no other plugin is needed; name in
``installed`` those that should be on as well.
"""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from attrs import frozen

from llmgate_core.config import make_config
from llmgate_core.decisions import EMPTY
from llmgate_core.gateway import Gateway
from llmgate_core.plugins import Found, discover
from llmgate_core.startup import build_gateway
from llmgate_core.wire.server import Server

from .plain import PlainPlugin


@frozen
class ServedGateway:
    """Where it listens, and the gateway itself for a look inside."""

    url: str
    gateway: Gateway


class ServeGateway(Protocol):
    """What the fixture ``serve_gateway`` gives: :func:`serve_gateway`."""

    def __call__(
        self,
        config: Mapping[str, Any] = EMPTY,
        *,
        plugins: Sequence[type[Any]] | Mapping[str, type[Any]] = (),
        installed: Collection[str] = (),
        environ: Mapping[str, str] = EMPTY,
        plain: bool = True,
        lean: bool = True,
        grace: float = 5.0,
    ) -> AbstractAsyncContextManager[ServedGateway]:
        """An async context manager that gives a :class:`ServedGateway`."""


@asynccontextmanager
async def serve_gateway(
    config: Mapping[str, Any] = EMPTY,
    *,
    plugins: Sequence[type[Any]] | Mapping[str, type[Any]] = (),
    installed: Collection[str] = (),
    environ: Mapping[str, str] = EMPTY,
    plain: bool = True,
    lean: bool = True,
    grace: float = 5.0,
) -> AsyncIterator[ServedGateway]:
    """Serve until the block ends. Raises ConfigError with all mistakes, like ``llmgate serve``.

    ``config`` is the tables of a config file. ``plugins`` run in the order given, outermost first: classes, or classes by
    name (see :func:`plugin_name`); then those ``installed`` ones, and the plain one innermost unless ``plain`` is False.
    ``environ`` is all that ``{env = …}`` sees. ``lean`` False keeps every connection on the full lane. ``grace`` is seconds.
    """
    found = [*find(plugins, installed), *([Found.of(PlainPlugin, "plain")] if plain else [])]
    gateway = build_gateway(
        make_config(config), found=found, default_order=[one.name for one in found], environ=environ
    )
    server = Server(gateway, lean=lean)
    sock = socket.create_server(("127.0.0.1", 0))
    try:
        await server.start(sock)
    except BaseException:
        sock.close()
        raise
    try:
        yield ServedGateway(f"http://127.0.0.1:{sock.getsockname()[1]}", gateway)
    finally:
        await server.stop(grace)


def find(plugins: Sequence[type[Any]] | Mapping[str, type[Any]], installed: Collection[str]) -> list[Found]:
    """The loader's view of classes at hand and of installed plugins. Raises LookupError for one that is not installed."""
    named = plugins if isinstance(plugins, Mapping) else {plugin_name(cls): cls for cls in plugins}
    if len(named) < len(plugins):
        raise LookupError(f"two plugins have one name ({', '.join(named)}); give them names: plugins={{name: class}}")
    there = {one.name: one for one in discover()} if installed else {}
    if missing := [name for name in installed if name not in there]:
        raise LookupError(f"no such plugins are installed: {', '.join(missing)}")
    return [Found.of(cls, name) for name, cls in named.items()] + [there[name] for name in installed]


def plugin_name(cls: type[Any]) -> str:
    """A class from ``llmgate_<x>`` is ``x``, as its entry point says; another its own name in snake case, less ``Plugin``."""
    package = cls.__module__.partition(".")[0]
    if package.startswith("llmgate_") and package != "llmgate_core":
        return package.removeprefix("llmgate_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.removesuffix("Plugin") or cls.__name__).lower()
