"""One JSON line per request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmgate_core import Exchange, Gauge, Plugin
from llmgate_core.config import ConfigError
from llmgate_core.strict import Mistake

from .config import AccessLogConfig
from .line import LineMaker
from .outputs import Output, RotatingFile, StandardOutput
from .redaction import Redaction
from .writer import LineWriter

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

__all__ = ("AccessLogConfig", "AccessLogPlugin")


class AccessLogPlugin(Plugin):
    """Writes one line when a request is over, however it ended."""

    config_class = AccessLogConfig

    def __init__(self, config: AccessLogConfig) -> None:
        super().__init__(config)
        self._config = config
        self._maker = LineMaker(Redaction(config.redact), config.max_content if config.content else None)
        self._writer: LineWriter | None = None

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Open the output; write the last lines when the gateway stops."""
        writer = LineWriter(self._output(gateway), self._config.max_pending)
        self._writer = writer
        try:
            yield
        finally:
            await writer.close()
            self._writer = None

    def llmgate_post_response(self, exchange: Exchange) -> None:
        """Hand the request's line to the writer."""
        if self._writer is None:
            raise RuntimeError("the access log is not open: its lifespan was not entered")
        self._writer.write(self._maker.line(exchange))

    def gauges(self) -> Iterable[Gauge]:
        """How many lines were lost, so that a gap in the log is not taken for silence."""
        return (
            Gauge(
                "llmgate_access_log_lost_lines",
                "Lines not written: because too many waited (dropped), or because the output failed (failed).",
                ("why",),
                self._lost,
            ),
        )

    def _lost(self) -> list[tuple[tuple[str], float]]:
        writer = self._writer
        return [
            (("dropped",), 0.0 if writer is None else float(writer.dropped)),
            (("failed",), 0.0 if writer is None else float(writer.failed)),
        ]

    def _output(self, gateway: Gateway) -> Output:
        config = self._config
        if config.file is None:
            return StandardOutput()
        try:
            return RotatingFile(config.file.expanduser(), config.max_bytes, config.backups)
        except OSError as error:
            mistake = Mistake(
                "plugins.access_log.file",
                f"{str(config.file)!r} cannot be opened for writing: {error.strerror}",
                "create its directory, change its rights, or leave file out to write to standard output",
            )
            raise ConfigError([mistake], gateway.config.file) from None
