"""Entry point of the ``llmgate`` command: one group, made anew for each call, whose commands import what they need."""

from __future__ import annotations

import os
import sys

import click

from .config_commands import config_group
from .groups import RootGroup
from .hooks_command import hooks
from .models_command import models
from .output import TRACEBACK
from .plugin_commands import plugin_group
from .serve import serve


def make_cli() -> RootGroup:
    """The whole command. Plugins' own commands are added to this instance when one is asked for."""
    group = RootGroup(
        "llmgate",
        help="An LLM gateway made of plugins.",
        context_settings={"help_option_names": ["-h", "--help"]},
        commands=[serve, config_group, plugin_group, hooks, models],
    )
    telling = click.option(
        "--version",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=tell_version,
        help="Show the version and exit.",
    )
    return telling(group)


def tell_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    """``llmgate 0.1.0 (native)`` where the compiled twins of the core's hottest pieces are in use, else ``(pure Python)``."""
    if not asked or context.resilient_parsing:
        return
    from importlib.metadata import version

    from llmgate_core.native import native

    click.echo(f"llmgate {version('llmgate-cli')} ({'pure Python' if native is None else 'native'})")
    context.exit()


def main() -> None:
    """Run the command line; an error nobody foresaw is one line as well, unless the traceback is asked for."""
    try:
        make_cli().main(prog_name="llmgate")
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        click.echo(f"error: {type(error).__name__}: {error}", err=True)
        click.echo(f"  this is a mistake in llmgate or in a plugin; {TRACEBACK}=1 shows where", err=True)
        sys.exit(1)
