"""``llmgate hooks``: who does what, when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .configfile import config_option, read_config
from .order import DEFAULT_ORDER
from .output import config_errors, json_option, print_json, print_table

if TYPE_CHECKING:
    from llmgate_core.config import Config


@click.command()
@config_option
@json_option
def hooks(file: Path | None, as_json: bool) -> None:
    """Each hook in the order of a request's life, with its plugins in running order."""
    with config_errors():
        phases = running_order(read_config(file))
    if as_json:
        print_json([{"hook": hook, "kind": kind, "plugins": plugins} for hook, kind, plugins in phases])
    else:
        print_table([(hook, kind, " → ".join(plugins) or "-") for hook, kind, plugins in phases])


def running_order(config: Config) -> list[tuple[str, str, list[str]]]:
    """``(hook, kind, plugins)`` of each hook. Raises :class:`ConfigError`. Needs no provider and no key."""
    from llmgate_core.chains import in_running_order
    from llmgate_core.hooks import Hooks
    from llmgate_core.hookspecs import kinds
    from llmgate_core.startup import load_plugins

    found = Hooks(load_plugins(config, None, DEFAULT_ORDER)).found
    return [
        (name, kind.kind, [implementation.plugin for implementation in in_running_order(found[name], kind)])
        for name, kind in kinds().items()
    ]
