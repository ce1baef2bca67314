"""Prometheus metrics at ``/metrics``."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmgate_core import Attempt, EndpointRequest, EndpointResponse, EndpointRouter, Exchange, Plugin, Secret
from llmgate_core.config import ConfigError
from llmgate_core.strict import Mistake

from .config import MetricsConfig
from .names import KnownNames
from .readings import active_requests, hook_errors, plugin_gauges
from .recorder import LONGEST_NAME, Note, Recorder

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

    from .shared import SharedNumbers

__all__ = ("MetricsConfig", "MetricsPlugin")

WORKERS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with which several workers are told where to add up their numbers."""
WRITE_AFTER: Final = 0.2
"""Seconds until a change is in the file that other workers read."""
AT_ONCE: Final = 64
"""Requests that are counted in a row: one by one, between everything else that a request needs, costs twice as much."""


class MetricsPlugin(Plugin):
    """Counts what ends, and answers scrapes. With several workers any of them answers for all."""

    config_class = MetricsConfig

    def __init__(self, config: MetricsConfig) -> None:
        super().__init__(config)
        self._config = config
        self._recorder = Recorder(config.max_series)
        self._tries = self._recorder.tries
        self._notes: list[Note] = []
        self._gateway: Gateway | None = None
        self._shared: SharedNumbers | None = None
        self._writing: asyncio.TimerHandle | None = None

    def llmgate_register_routes(self, router: EndpointRouter) -> None:
        """Serve the scrape."""
        router.add("GET", self._config.path, self._scrape)

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Learn the names that may be labels; open the files when there are other workers."""
        targets = [
            target
            for plugin in gateway.plugins
            for named in (getattr(plugin.instance, "targets_of", dict)() or {}).values()
            for target in named
        ]
        self._gateway = gateway
        self._recorder.names = KnownNames(gateway.registry, targets, self._config.models)
        folder = os.environ.get(WORKERS_FOLDER)
        if folder:
            self._shared = _open_shared(Path(folder), gateway)
        try:
            yield
        finally:
            if self._writing is not None:
                self._writing.cancel()
            if self._shared is not None:
                self._write()
                self._shared.close()
                self._shared = None

    def llmgate_pre_request(self) -> None:
        """A request more in flight: other workers' scrapes must see it."""
        if self._shared is not None and self._writing is None:
            self._write_soon()

    def llmgate_attempt_done(self, attempt: Attempt) -> None:
        """Count an attempt."""
        result = attempt.result
        if result is not None:
            cell = self._tries.get((attempt.target.provider, result._value_))  # .value is several times slower
            if cell is not None:
                cell.value += 1
                return
        self._recorder.attempt_done(attempt)

    def llmgate_post_response(self, exchange: Exchange) -> None:
        """Note a request; it is counted in a row with others, at the latest when somebody wants to know."""
        attempts, first, notes = exchange.attempts, exchange.first_content_at, self._notes
        if not attempts or len(exchange.request.model) > LONGEST_NAME:
            self._count()
            self._recorder.request_done(exchange)
        else:
            if first is not None and not exchange.request.stream:
                first = None  # a whole answer has no first token that a client could see
            notes.append((
                attempts[-1].target, exchange.dialect, exchange.status, exchange.outcome, exchange.received_at,
                exchange.ended_at, exchange.waited, first, exchange.usage,
            ))  # fmt: skip
            if len(notes) >= AT_ONCE:
                self._count()
        if self._shared is not None and self._writing is None:
            self._write_soon()

    def _count(self) -> None:
        """Count what was only noted so far."""
        self._recorder.count(self._notes)
        self._notes.clear()

    def _write_soon(self) -> None:
        self._writing = asyncio.get_running_loop().call_later(WRITE_AFTER, self._write)

    def _write(self) -> None:
        """Bring this worker's files up to date."""
        self._writing = None
        if self._shared is None or self._gateway is None:
            return
        self._count()
        self._shared.write((*self._recorder.counters, hook_errors(self._gateway)), self._recorder.histograms)
        self._shared.write_gauges([active_requests(self._gateway)], "livesum")
        self._shared.write_gauges(plugin_gauges(self._gateway.registry.gauges), "liveall")

    async def _scrape(self, request: EndpointRequest) -> EndpointResponse:
        if not _allowed(request, self._config.token):
            told = b"a scrape needs 'Authorization: Bearer <token>', the token of [plugins.metrics]\n"
            return EndpointResponse(told, 401, "text/plain; charset=utf-8", {"www-authenticate": "Bearer"})
        if self._gateway is None:
            return EndpointResponse(b"the gateway is not open yet\n", 503, "text/plain; charset=utf-8")
        scrape = await asyncio.to_thread(_scraping)
        shared = self._shared
        if shared is None:
            self._count()
            counters = (*self._recorder.counters, hook_errors(self._gateway))
            readings = [active_requests(self._gateway), *plugin_gauges(self._gateway.registry.gauges)]
            families = scrape.families_of(counters, self._recorder.histograms, readings)
        else:
            self._write()
            families = await asyncio.to_thread(shared.read)
        accept = request.head.headers.get("accept", "")
        return await asyncio.to_thread(scrape.render, families, accept, process=shared is None)


def _scraping() -> Any:
    from . import scrape

    return scrape


def _open_shared(folder: Path, gateway: Gateway) -> SharedNumbers:
    if not folder.is_dir():
        mistake = Mistake(
            "plugins.metrics",
            f"{WORKERS_FOLDER} names {str(folder)!r}, which is no directory",
            "create it, empty, or unset the variable",
        )
        raise ConfigError([mistake], gateway.config.file)
    from .shared import SharedNumbers

    return SharedNumbers(folder)


def _allowed(request: EndpointRequest, token: Secret | None) -> bool:
    if token is None:
        return True
    scheme, _, given = request.head.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(Secret(given).digest, token.digest)
