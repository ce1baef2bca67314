"""The twins, side by side: what is compiled, the same in Python, and a body split by both."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import sys
from collections.abc import Callable, Coroutine, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import hypothesis
import msgspec
import pytest

import llmgate_native
from llmgate_core import jsonfields
from llmgate_core import native as chosen
from llmgate_core.errors import InvalidRequest
from llmgate_core.wire.quick_requests import Known

# A busy machine is no reason for a test to fail.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

Fields = list[tuple[str, bytes]]
BEFORE, AFTER = b"POST / HTTP/1.1\r\ncontent-length: ", b"\r\n\r\n"


@pytest.fixture(scope="module")
def agree() -> Iterator[Callable[[bytes], Fields | None]]:
    """What the twin makes of a body, having asked Python too: the twin may refuse more, and never say anything else."""
    compiled = pytest.importorskip("llmgate_native._native", exc_type=ImportError)

    def both(body: bytes) -> Fields | None:
        split = compiled.split_fields(body, msgspec.Raw)
        found = None if split is None else [(name, bytes(raw)) for name, raw in split.items()]
        try:
            expected: Fields | None = [(name, bytes(raw)) for name, raw in jsonfields.split_fields(body).items()]
        except InvalidRequest:
            expected = None
        assert found is None or found == expected, body
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonfields, "native", None)  # or the twin would be compared with itself
        yield both


@pytest.fixture(scope="session")
def compiled() -> Any:
    """The extension module."""
    if llmgate_native.native is None:
        pytest.skip("llmgate-native is not built, or LLMGATE_PURE is set")
    return llmgate_native.native


@pytest.fixture(scope="session")
def pure() -> Callable[[str], ModuleType]:
    """``pure("lean_pool")``: a module of the core's wire, loaded once more as if nothing were compiled."""

    def load(name: str) -> ModuleType:
        whole = f"llmgate_core.wire.pure_{name}"
        spec = importlib.util.find_spec(f"llmgate_core.wire.{name}")
        assert spec is not None
        assert spec.origin is not None
        own = importlib.util.spec_from_file_location(whole, spec.origin)
        assert own is not None
        assert own.loader is not None
        module = importlib.util.module_from_spec(own)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chosen, "native", None)
            patch.setitem(sys.modules, whole, module)
            own.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def stepped(compiled: Any) -> Callable[[Callable[[], Coroutine[Any, Any, None]]], tuple[Any, Known]]:
    """``stepped(make)``: a client's connection whose requests are ``make()``, without a task, and a head that it knows."""

    def connect(make: Callable[[], Coroutine[Any, Any, None]]) -> tuple[Any, Known]:
        class Requests(compiled.QuickRequests):  # type: ignore[misc]  # the stub is for type checkers, this is chosen at run time
            def _serve(self, known: Any, body: bytes) -> Coroutine[Any, Any, None]:
                return make()

        lane = SimpleNamespace(
            loop=asyncio.get_running_loop(), context=contextvars.copy_context(), serving=None, draining=False
        )
        known = Known(BEFORE, AFTER, None, None, False, 9, None, False)  # type: ignore[arg-type]  # no head is looked at
        requests = Requests(lane)
        requests._known = known
        return requests, known

    return connect
