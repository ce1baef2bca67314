"""The contract of llmgate and the one path of a request. Plugin authors import from here."""

from __future__ import annotations

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
