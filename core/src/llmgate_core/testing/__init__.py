"""The kit for plugin authors: what our own plugins are tested with. Install ``llmgate-core[testing]``.

    from llmgate_core.testing import ProviderContract, Reply, ScriptedUpstream

Its pytest plugin is found by itself: the fixture ``serve_gateway`` serves a real gateway on a loopback port,
``make_exchange`` makes an exchange to hand to a hook, and guards
fail a test that reaches beyond loopback, blocks the event loop or leaves something open (see ``guards``).

Names are looked up when they are first used: installing the kit costs a test run nothing that it does not use.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .answers import Answer, CloseWithoutReply, Gate, Line, Raw, Reply, Reset, Stall, Stream, Truncated
    from .contracts.dialect import DialectContract
    from .contracts.provider import LocalProviderContract, ProviderContract
    from .contracts.start import StartContract
    from .event_rules import check_events
    from .gateway import ServedGateway, ServeGateway, serve_gateway
    from .http1 import Received
    from .scripted import ScriptedUpstream
    from .wire_requests import client_request

_HOME: Final = MappingProxyType(
    {
        "Answer": "answers",
        "CloseWithoutReply": "answers",
        "DialectContract": "contracts.dialect",
        "Gate": "answers",
        "Line": "answers",
        "LocalProviderContract": "contracts.provider",
        "ProviderContract": "contracts.provider",
        "Raw": "answers",
        "Received": "http1",
        "Reply": "answers",
        "Reset": "answers",
        "ScriptedUpstream": "scripted",
        "ServeGateway": "gateway",
        "ServedGateway": "gateway",
        "Stall": "answers",
        "StartContract": "contracts.start",
        "Stream": "answers",
        "Truncated": "answers",
        "check_events": "event_rules",
        "client_request": "wire_requests",
        "serve_gateway": "gateway",
    }
)

__all__ = (
    "Answer",
    "CloseWithoutReply",
    "DialectContract",
    "Gate",
    "Line",
    "LocalProviderContract",
    "ProviderContract",
    "Raw",
    "Received",
    "Reply",
    "Reset",
    "ScriptedUpstream",
    "ServeGateway",
    "ServedGateway",
    "Stall",
    "StartContract",
    "Stream",
    "Truncated",
    "check_events",
    "client_request",
    "serve_gateway",
)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
