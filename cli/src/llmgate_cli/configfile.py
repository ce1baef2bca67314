"""Which configuration a command means, and reading it with what the command line overrides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click

if TYPE_CHECKING:
    from llmgate_core.config import Config, ConfigError

DEFAULT_FILE: Final = "llmgate.toml"
VARIABLE: Final = "LLMGATE_CONFIG"

config_option = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help=f"The config file. Without it: ${VARIABLE}, else ./{DEFAULT_FILE} if it is there, else none.",
)


def find_config(given: Path | None, environ: Mapping[str, str] | None = None) -> Path | None:
    """What was named wins over what lies about: ``-c``, then the variable, then the file in this folder."""
    environ = os.environ if environ is None else environ
    if given is not None:
        return given
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    here = Path(DEFAULT_FILE)
    return here if here.exists() else None


def read_config(given: Path | None, host: str | None = None, port: int | None = None) -> Config:
    """The configuration, ``--host`` and ``--port`` laid over it. Raises :class:`ConfigError` with every mistake there is."""
    from llmgate_core.config import ConfigError, load_config

    try:
        config = load_config(find_config(given))
    except ConfigError as error:
        raise _with_all_mistakes(error) from None
    gateway = config.gateway
    if host is not None:
        gateway = attrs.evolve(gateway, host=host)
    if port is not None:
        gateway = attrs.evolve(gateway, port=port)
    return attrs.evolve(config, gateway=gateway)


def _with_all_mistakes(error: ConfigError) -> ConfigError:
    """The error with those mistakes as well that providers and plugins would have told later."""
    if error.rest is None:
        return error
    from llmgate_core.config import ConfigError
    from llmgate_core.startup import build_gateway

    from .order import DEFAULT_ORDER

    try:
        build_gateway(error.rest, default_order=DEFAULT_ORDER)
    except ConfigError as more:
        return ConfigError([*error.mistakes, *more.mistakes], error.file)
    return error
