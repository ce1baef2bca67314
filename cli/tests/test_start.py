"""What ``llmgate serve`` does before it listens, and what it leaves for later. Counted in modules, not in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# Lifespans are entered when everything is loaded and built: the next thing is to listen.
WITNESS = """
    import gc
    import sys
    from contextlib import asynccontextmanager
    from pathlib import Path

    class WitnessPlugin:
        @asynccontextmanager
        async def llmgate_lifespan(self, gateway):
            Path("loaded").write_text(" ".join(sys.modules))
            yield

        def llmgate_pre_request(self, exchange):
            exchange.response_headers["x-collecting"] = str(gc.isenabled())
"""
# aiohttp and what it brings come while the first requests are served
LATER = {"aiohttp", "aiohappyeyeballs", "idna", "multidict", "yarl", "prometheus_client"}
NEVER = {"anthropic", "httpx", "openai", "pydantic", "pytest", "requests", "toml"}


def test_nothing_slow_is_loaded_before_it_listens(toys: Any, serve: Callable[..., Any]) -> None:
    """With every installed plugin on, the packages that take longest to import are left for later."""
    toys.add("witness", WITNESS)
    served = serve(toys.config(plugins='"witness", "*"'))
    assert served.ask()["status"] == "200"
    loaded = {name.partition(".")[0] for name in (toys.folder / "loaded").read_text().split()}
    assert {"llmgate_core", "llmgate_toy"} <= loaded
    assert loaded & (LATER | NEVER) == set()


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")])
def test_garbage_is_collected_once_it_serves(arguments: tuple[str, ...], toys: Any, serve: Callable[..., Any]) -> None:
    """The start does without the collector; what is served afterwards does not."""
    toys.add("witness", WITNESS)
    served = serve(toys.config(plugins='"toy", "witness"'), *arguments)
    served.wait_for("listening on")
    assert served.ask()["x-collecting"] == "True"
