"""``llmgate config``: check it, show what is in force, start one."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path

import click

from .configfile import DEFAULT_FILE, config_option, find_config, read_config
from .groups import Group
from .order import DEFAULT_ORDER
from .output import ConfigFailure, config_errors, json_option, print_json


@click.command()
@config_option
def check(file: Path | None) -> None:
    """Check the config without serving: exit code 0, or 2 and every mistake with file, path and hint."""
    from llmgate_core.startup import build_gateway

    with config_errors():
        config = read_config(file)
        registry = build_gateway(config, default_order=DEFAULT_ORDER).registry
    where = str(config.file) if config.file else "no config file"
    click.echo(f"ok: {where}, {count(registry.providers, 'provider')}, {count(registry.plugin_names, 'plugin')}")


def count(things: Sized, word: str) -> str:
    """``1 plugin``, ``2 plugins``."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


@click.command()
@config_option
@json_option
def show(file: Path | None, as_json: bool) -> None:
    """Print the config in force, defaults and all; secrets are masked."""
    from . import tomltext
    from .effective import effective

    with config_errors():
        config = read_config(file)
        sections = effective(config)
    if as_json:
        print_json({"file": str(config.file) if config.file else None, **sections})
    else:
        click.echo(f"# in force with {config.file or 'no config file'}\n{tomltext.document(sections)}", nl=False)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_FILE)
@click.option("--force", is_flag=True, help="Overwrite the file when it is there.")
def init(file: Path, force: bool) -> None:
    """Write a commented config file to start from."""
    from .starter import starter

    if file.exists() and not force:
        raise ConfigFailure(f"{file} is there already; --force overwrites it, or give another name")
    try:
        file.write_text(starter(), "utf-8")
    except OSError as error:
        raise ConfigFailure(f"{file} cannot be written: {error.strerror}") from None
    used = "" if find_config(None) == file else f" -c {file}"
    click.echo(f"wrote {file}; look at it, then: llmgate config check{used} && llmgate serve{used}")


config_group = Group("config", help="Check, show and start the configuration.", commands=[check, show, init])
