"""Commands that plugins bring. A plugin that cannot be asked costs a warning, never the command line."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from .configfile import read_config
from .order import DEFAULT_ORDER
from .output import warn

if TYPE_CHECKING:
    from llmgate_core.config import Config
    from llmgate_core.plugins import Found

HOOK = "llmgate_register_commands"


def plugin_commands(taken: Collection[str]) -> dict[str, click.Command]:
    """The commands of the enabled plugins by name; what is ``taken`` is not given away."""
    from llmgate_core.config import Config, ConfigError
    from llmgate_core.plugins import arrange, discover

    try:
        config = read_config(None)
    except ConfigError as error:
        warn(f"commands of plugins are asked for without the config, which has mistakes: {error}")
        config = Config()
    found: dict[str, click.Command] = {}
    for one in arrange(config, discover(), DEFAULT_ORDER)[0]:
        for name, command in _commands_of(one, config).items():
            if name in taken or name in found:
                warn(f"the command {name!r} of plugin {one.name!r} is left out: there is one of that name")
            else:
                found[name] = command
    return found


def _commands_of(one: Found, config: Config) -> dict[str, click.Command]:
    from llmgate_core.plugins import load
    from llmgate_core.strict import MistakesFound

    scratch = click.Group()
    try:
        if not hasattr(one.load(), HOOK):
            return {}
        getattr(load(one, config).instance, HOOK)(scratch)
    except MistakesFound as error:
        warn(f"commands of plugin {one.name!r} are left out: {error}")
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's code: whatever it raises must not end ours
        warn(f"commands of plugin {one.name!r} ({one.origin}) are left out: {type(error).__name__}: {error}")
    return dict(scratch.commands)
