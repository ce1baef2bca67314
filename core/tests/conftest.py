"""Gateways served for real on loopback, made of the toy dialect and whatever plugins a test brings."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from core.tests.served import Served

# A busy machine is no reason for a test to fail.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def load(name: str) -> ModuleType:
    """A module that lies beside this one. Test folders are no packages, so it cannot be imported by name."""
    spec = importlib.util.spec_from_file_location(f"llmgate_core_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The toy dialect and its providers."""
    return load("toy")


@pytest.fixture(scope="session")
def served() -> ModuleType:
    """Helpers around a served gateway."""
    return load("served")


@pytest.fixture
def plugin() -> Callable[..., type[Any]]:
    """Makes a plugin class of hook functions: ``plugin(llmgate_pre_request=lambda self, exchange: …)``."""
    from llmgate_core import Plugin

    def make(name: str = "Made", **members: Any) -> type[Plugin]:
        return type(name, (Plugin,), members)

    return make


@pytest.fixture
def listener() -> Iterator[Any]:
    """A bound socket on a free port of loopback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture(params=["lean", "full"])
async def serve(
    request: pytest.FixtureRequest, toy: ModuleType, served: ModuleType
) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """``await serve(PluginA, PluginB, providers={…}, hold_limit=1)``: a gateway that answers on a port of its own.

    ``slow`` shortens what slow clients are allowed.

    The toy plugin, the planner and a recorder are always there; plugins of the test are named ``a``, ``b``, … in order.
    Every test runs on both lanes.
    """
    running = []

    async def start(*plugins: Any, providers: Any = None, slow: Any = None, **gateway: Any) -> Served:
        one: Served = served.Served(toy, plugins, providers or {}, gateway, lean=request.param == "lean", slow=slow)
        await one.start()
        running.append(one)
        return one

    yield start
    for one in running:
        await one.stop()


@pytest.fixture
def body() -> Callable[..., bytes]:
    """A toy request: ``body("one/m", "hi", stream=True)``."""

    def make(model: str, text: str = "hi", **more: Any) -> bytes:
        return json.dumps({"model": model, "text": text, **more}).encode()

    return make
