"""One JSON line per request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmgate_core import Exchange, Gauge, Plugin
from llmgate_core.config import ConfigError
from llmgate_core.strict import Mistake

from .config import AccessLogConfig
from .line import LONGEST_NAME, LineMaker
from .notes import AT_ONCE, Note, NoteReader
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
        self._reader = NoteReader(self._maker)
        self._notes: list[Note] = []
        # A request is only noted when its model's name has at most so many characters; with content, none is.
        self._longest = -1 if config.content else LONGEST_NAME
        self._writer: LineWriter | None = None

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Open the output; write the last lines when the gateway stops."""
        writer = LineWriter(self._output(gateway), self._config.max_pending, self._late)
        self._writer = writer
        try:
            yield
        finally:
            await writer.close()
            self._writer = None

    def llmgate_post_response(self, exchange: Exchange) -> None:
        """Note what the request's line will say; an unusual request's line is made at once."""
        writer, attempts, model = self._writer, exchange.attempts, exchange.request.model
        if writer is None:
            raise RuntimeError("the access log is not open: its lifespan was not entered")
        if (
            len(attempts) != 1
            or exchange.error is not None
            or attempts[0].error is not None
            or len(model) > self._longest
        ):
            writer.write(self._late())
            writer.write(self._maker.line(exchange))
            return
        notes = self._notes
        notes.append((
            attempts[0], exchange.dialect, exchange.operation, exchange.status, exchange.outcome, model,
            exchange.request.stream, exchange.finish_reason, exchange.id, exchange.started, exchange.received_at,
            exchange.ended_at, exchange.first_content_at, exchange.waited, exchange.head.peer, exchange.caller,
            exchange.usage, exchange.bytes_sent,
        ))  # fmt: skip
        waiting = len(notes)
        if waiting == 1:
            writer.soon()
        elif waiting == AT_ONCE:
            writer.write(self._late())

    def _late(self) -> bytes:
        """The lines of what was only noted so far."""
        lines = self._reader.lines(self._notes)
        self._notes.clear()
        return lines

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
            (("failed",), float(self._reader.failed + (0 if writer is None else writer.failed))),
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
