"""The configuration: read once, checked whole, then handed out in typed sections.

A file is TOML with the tables ``[gateway]``, ``[providers.<name>]`` and ``[plugins.<name>]``. The core knows the first; the other
two are kept as given until the provider type or the plugin whose they are structures them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen, validators

from .decisions import EMPTY
from .strict import Mistake, MistakesFound, structure, unknown_key


class ConfigError(Exception):
    """The gateway cannot start with this configuration. ``mistakes`` is the whole list, ``file`` where it was read.

    ``rest`` is what could be read, with defaults for what could not: to look for mistakes further on.
    """

    def __init__(self, mistakes: Sequence[Mistake], file: Path | None = None, rest: Config | None = None) -> None:
        self.mistakes = tuple(mistakes)
        self.file = file
        self.rest = rest
        where = f"{file}: " if file else ""
        super().__init__("\n".join(f"{where}{mistake}" for mistake in self.mistakes))


def _positive(_: Any, attribute: Any, value: float) -> None:
    if not 0 < value < 1e9:
        raise ValueError(f"must be above 0, not {value}")


def _a_second_at_most(_: Any, attribute: Any, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"must be between 0 and 1, in seconds (0.002 is two milliseconds), not {value}")


@define
class GatewayConfig:
    """``[gateway]``. Times are seconds, sizes bytes.

    ``plugins`` is the order, outermost first, ``"*"`` for the rest; ``disable`` names plugins to leave out. ``unsupported``
    says what happens to a field the chosen provider cannot carry: ``refuse`` with 400, or ``drop`` and report it in the
    header ``x-llmgate-dropped``. ``lean`` false: everything takes the full lanes, in and out, which are slower. ``busy_poll``
    is how long a worker stays awake after a request begins or ends, instead of sleeping until more comes.
    """

    host: str = "127.0.0.1"
    port: int = field(default=8080, validator=[validators.ge(0), validators.le(65535)])
    plugins: list[str] | None = None
    disable: list[str] = field(factory=list)
    unsupported: Literal["refuse", "drop"] = "refuse"
    total_timeout: float = field(default=600.0, validator=_positive)
    hold_limit: float = field(default=10.0, validator=_positive)
    keep_alive: float = field(default=15.0, validator=_positive)
    grace: float = field(default=30.0, validator=_positive)
    max_body: int = field(default=32 * 1024 * 1024, validator=_positive)
    body_timeout: float = field(default=30.0, validator=_positive)
    max_response: int = field(default=64 * 1024 * 1024, validator=_positive)
    max_connections: int = field(default=1000, validator=_positive)
    lean: bool = True
    busy_poll: float = field(default=0.0, validator=_a_second_at_most)


@frozen
class Config:
    """A checked ``[gateway]`` and the sections as given. ``file`` is None when there was none."""

    gateway: GatewayConfig = field(factory=GatewayConfig)
    providers: Mapping[str, Mapping[str, Any]] = EMPTY
    plugins: Mapping[str, Mapping[str, Any]] = EMPTY
    file: Path | None = None


def read_toml(file: Path) -> dict[str, Any]:
    """The only place that reads TOML. Raises :class:`ConfigError` with the parser's line."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Mistake("TOML", str(error), "mend the syntax")], file) from None
    except UnicodeDecodeError:
        raise ConfigError([Mistake("TOML", "is not UTF-8")], file) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Mistake("file", f"cannot be read: {reason}", "give another one with -c")], file) from None


def load_config(file: Path | None) -> Config:
    """The configuration in ``file``, or the one without a file. Raises :class:`ConfigError`."""
    return Config() if file is None else make_config(read_toml(file), file)


def make_config(data: Mapping[str, Any], file: Path | None = None) -> Config:
    """A configuration from plain data (the tables of a file). Raises :class:`ConfigError` with all mistakes."""
    mistakes = [
        unknown_key(name or '""', name, ["gateway", "providers", "plugins"])
        for name in data
        if name not in {"gateway", "providers", "plugins"}
    ]
    gateway = GatewayConfig()
    try:
        gateway = structure(data.get("gateway", {}), GatewayConfig, "gateway")
    except MistakesFound as found:
        mistakes += found.mistakes
    sections: dict[str, dict[str, Any]] = {}
    for kind in ("providers", "plugins"):
        given = data.get(kind, {})
        mistakes += _not_tables(kind, given)
        tables = given if isinstance(given, dict) else {}
        sections[kind] = {name: table for name, table in tables.items() if isinstance(table, dict)}
    config = Config(gateway, sections["providers"], sections["plugins"], file)
    if mistakes:
        raise ConfigError(mistakes, file, config)
    return config


def _not_tables(kind: str, section: Any) -> list[Mistake]:
    if not isinstance(section, dict):
        return [Mistake(kind, "must be a table", f"write [{kind}.<name>]")]
    return [
        Mistake(f"{kind}.{name}", "must be a table", f"write [{kind}.{name}]")
        for name, value in section.items()
        if not isinstance(value, dict)
    ]
