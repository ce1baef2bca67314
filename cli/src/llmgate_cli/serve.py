"""``llmgate serve``."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .configfile import config_option, read_config
from .masking import MaskingFormatter
from .output import config_errors
from .rereading import Rereading

if TYPE_CHECKING:
    from llmgate_core.config import Config

PORTS = click.IntRange(0, 65535)


@click.command()
@config_option
@click.option("--host", help="Listen on this address instead of [gateway] host.")
@click.option("--port", type=PORTS, help="Listen on this port instead of [gateway] port; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 1024), default=1, help="Processes that share the port. Default: 1.")
def serve(file: Path | None, host: str | None, port: int | None, workers: int) -> None:
    """Serve. SIGTERM and SIGINT drain, SIGHUP reads the config again."""
    set_up_logging(several=workers > 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # until somebody listens: it would end the start
    with uncollected(), config_errors():
        config = read_config(file, host, port)
        again = Rereading(partial(read_config, file, host, port), (config.gateway.host, config.gateway.port))
        if workers > 1:
            from .workers import serve_with_workers

            code = serve_with_workers(config, again, workers)
        else:
            code = serve_alone(config, again)
    sys.exit(code)


def serve_alone(config: Config, again: Rereading) -> int:
    """Serve in this process until told to stop; the exit code."""
    from .banner import banner
    from .listening import address_of, bind
    from .process import Process, build, start_errors

    sock = bind(config.gateway.host, config.gateway.port)
    gateway = build(config)

    def ready() -> None:
        click.echo(banner(gateway, *address_of(sock)), err=True)

    with start_errors():
        Process(gateway, again, ready=ready).run(sock)
    return 0


@contextmanager
def uncollected() -> Iterator[None]:
    """No looking for garbage until connections are accepted (:class:`Process` ends it then): what is loaded before stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def set_up_logging(*, several: bool) -> None:
    """Everything that is logged goes to stderr, keys masked; stdout belongs to plugins that write logs for programs."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        MaskingFormatter(f"%(asctime)s %(levelname)s {'[%(process)d] ' if several else ''}%(message)s")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("llmgate").setLevel(logging.INFO)
