"""The pytest plugin: fixtures and guards. Imports nothing heavy before a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .exchanges import MakeExchange
    from .gateway import ServeGateway
    from .scripted import ScriptedUpstream

MARKER = "llmgate_unguarded(*words): let this test off the guards 'network', 'blocking', 'leaks' (none: all of them)"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``llmgate_guards`` in the ini file."""
    parser.addini(
        "llmgate_guards", "the guards around tests: on, off, or auto (on in projects of plugins)", default="auto"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def llmgate_guards_hold(pytestconfig: pytest.Config) -> bool:
    """Whether the guards are up in this project: installing the gateway must not change other projects' tests."""
    word = pytestconfig.getini("llmgate_guards")
    if word != "auto":
        return bool(word == "on")
    project = pytestconfig.rootpath / "pyproject.toml"
    return project.is_file() and "llmgate-core" in project.read_text("utf-8")


@pytest.fixture(autouse=True)
def llmgate_guards(request: pytest.FixtureRequest, llmgate_guards_hold: bool) -> Iterator[None]:
    """The guards of one test (see :mod:`llmgate_core.testing.guards`)."""
    marker = request.node.get_closest_marker("llmgate_unguarded")
    if not llmgate_guards_hold or (marker is not None and not marker.args):
        yield
        return
    from .guards import ALL, Guards

    with Guards(ALL - set(marker.args if marker else ())).patched():
        yield


@pytest.fixture
def make_exchange() -> MakeExchange:
    """``make_exchange(headers, model="m", text="Hello.")``: an exchange to hand to a hook (see :mod:`.exchanges`)."""
    from .exchanges import make_exchange as make

    return make


@pytest.fixture
def serve_gateway() -> ServeGateway:
    """``async with serve_gateway(config, plugins=[MyPlugin]) as server``: a real gateway at ``server.url``."""
    from .gateway import serve_gateway as serve

    return serve


@pytest.fixture
def scripted_upstream() -> Iterator[ScriptedUpstream]:
    """A scripted upstream that listens; give it its script with ``play``."""
    from .scripted import ScriptedUpstream as Upstream

    with Upstream() as upstream:
        yield upstream
