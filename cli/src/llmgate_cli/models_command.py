"""``llmgate models``: everything a client can ask for by name."""

from __future__ import annotations

from pathlib import Path

import click

from .configfile import config_option, read_config
from .order import DEFAULT_ORDER
from .output import config_errors, json_option, print_json, print_table


@click.command()
@config_option
@json_option
def models(file: Path | None, as_json: bool) -> None:
    """The models a client can ask for: aliases first, then each provider's."""
    from llmgate_core.startup import build_gateway

    with config_errors():
        found = build_gateway(read_config(file), default_order=DEFAULT_ORDER).registry.models()
    if as_json:
        print_json([{"id": model.id, "owned_by": model.owned_by} for model in found])
    elif found:
        print_table([(model.id, model.owned_by) for model in found])
    else:
        click.echo("no provider lists a model; any 'provider/model' can be asked for all the same", err=True)
