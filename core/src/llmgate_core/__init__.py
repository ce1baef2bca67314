"""The contract of llmgate and the one path of a request. Plugin authors import from here.

A name is loaded when it is first asked for (PEP 562): who needs one thing does not wait for all of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .decisions import Key, Next, Retry, Target
    from .dialect import Dialect, EventReader, EventWriter, Losses, StreamProbe
    from .endpoints import EndpointRequest, EndpointResponse, EndpointRouter
    from .exchange import Attempt, Caller, Exchange, Head
    from .hookspecs import HOOK_API, hookimpl
    from .plugin import Gauge, Plugin
    from .provider import (
        Call,
        HttpProvider,
        HttpProviderConfig,
        KeyConfig,
        LocalProvider,
        Provider,
        ProviderConfig,
        UpstreamRequest,
    )
    from .request import Request
    from .response import Response
    from .secrets import Secret
    from .usage import Usage
    from .wirevalues import ModelInfo, ProviderError, Route, Summary, WireRequest

__all__ = (
    "HOOK_API",
    "Attempt",
    "Call",
    "Caller",
    "Dialect",
    "EndpointRequest",
    "EndpointResponse",
    "EndpointRouter",
    "EventReader",
    "EventWriter",
    "Exchange",
    "Gauge",
    "Head",
    "HttpProvider",
    "HttpProviderConfig",
    "Key",
    "KeyConfig",
    "LocalProvider",
    "Losses",
    "ModelInfo",
    "Next",
    "Plugin",
    "Provider",
    "ProviderConfig",
    "ProviderError",
    "Request",
    "Response",
    "Retry",
    "Route",
    "Secret",
    "StreamProbe",
    "Summary",
    "Target",
    "UpstreamRequest",
    "Usage",
    "WireRequest",
    "hookimpl",
)

_HOMES: Final = (
    ("decisions", "Key Next Retry Target"),
    ("dialect", "Dialect EventReader EventWriter Losses StreamProbe"),
    ("endpoints", "EndpointRequest EndpointResponse EndpointRouter"),
    ("exchange", "Attempt Caller Exchange Head"),
    ("hookspecs", "HOOK_API hookimpl"),
    ("plugin", "Gauge Plugin"),
    ("provider", "Call HttpProvider HttpProviderConfig KeyConfig LocalProvider"),
    ("provider", "Provider ProviderConfig UpstreamRequest"),
    ("request", "Request"),
    ("response", "Response"),
    ("secrets", "Secret"),
    ("usage", "Usage"),
    ("wirevalues", "ModelInfo ProviderError Route Summary WireRequest"),
)
"""The imports above, as they are when the program runs: a module, and names that come from it."""

if not TYPE_CHECKING:  # to a type checker the names above are all there are

    def __getattr__(name: str) -> object:
        for module, names in _HOMES:
            if name in names.split():
                value = globals()[name] = getattr(importlib.import_module(f".{module}", __name__), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
