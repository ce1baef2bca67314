"""``llmgate plugin``: list, show, check the installed ones; make a new one."""

from __future__ import annotations

import difflib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .configfile import config_option, read_config
from .groups import Group
from .output import ConfigFailure, config_errors, json_option, print_json, print_table

if TYPE_CHECKING:
    from .survey import Status


@click.command("list")
@config_option
@json_option
def list_plugins(file: Path | None, as_json: bool) -> None:
    """The installed plugins, and what is wrong with those that cannot run."""
    from .survey import survey

    with config_errors():
        statuses = survey(read_config(file))
    if as_json:
        print_json([status.data for status in statuses])
    elif statuses:
        print_table([_row(status) for status in statuses])
    else:
        click.echo("no plugin is installed; for the standard set: pip install llmgate-standard", err=True)


def _row(status: Status) -> tuple[str, ...]:
    state = "broken" if status.problem else "on" if status.enabled else "off"
    told = status.problem or ", ".join(hook.removeprefix("llmgate_") for hook in status.hooks)
    return (status.found.name, status.found.version, status.found.distribution, state, told)


@click.command()
@click.argument("name")
@config_option
@json_option
def show(name: str, file: Path | None, as_json: bool) -> None:
    """One plugin: what it is, its hooks, its options with types and defaults."""
    from .survey import survey

    with config_errors():
        statuses = survey(read_config(file), only=name)
    if not statuses:
        raise ConfigFailure(f"no plugin {name!r} is installed; {near(name)}")
    data = describe(statuses[0])
    if as_json:
        print_json(data)
    else:
        _print_plugin(data)


def describe(status: Status) -> dict[str, Any]:
    """A plugin's status, and when it runs: its docstring, its options, its provider types with theirs."""
    from .options import describe as options_of

    data: dict[str, Any] = {**status.data, "doc": "", "options": [], "providers": []}
    if status.loaded is not None:
        instance = status.loaded.instance
        config_class = getattr(type(instance), "config_class", None)
        data["doc"] = inspect.getdoc(type(instance)) or ""
        data["options"] = options_of(config_class) if config_class is not None else []
        types: list[Any] = []
        if "llmgate_register_providers" in status.hooks:
            instance.llmgate_register_providers(types.append)
        data["providers"] = [{"type": cls.type, "options": options_of(cls.config_class)} for cls in types]
    return data


def _print_plugin(data: dict[str, Any]) -> None:
    state = "on" if data["enabled"] else "off"
    click.echo(f"{data['name']} ({data['distribution']} {data['version']}), {state}")
    if data["problem"]:
        click.echo(f"\nbroken: {data['problem']}")
    if data["doc"]:
        click.echo(f"\n{plain(data['doc'])}")
    click.echo("\nhooks: " + (", ".join(data["hooks"]) or "none"))
    _print_options(f"[plugins.{data['name']}]", data["options"])
    for provider in data["providers"]:
        _print_options(f'[providers.<name>] with type = "{provider["type"]}"', provider["options"])


def _print_options(section: str, classes: list[dict[str, Any]]) -> None:
    for number, cls in enumerate(classes):
        click.echo(f"\n{cls['name'] if number else section}")
        if cls["doc"]:
            click.echo("\n".join(f"  {line}".rstrip() for line in plain(cls["doc"]).splitlines()) + "\n")
        rows = [(option["name"], option["type"], option["default"] or "(required)") for option in cls["options"]]
        if rows:
            print_table([("option", "type", "default"), *rows], indent="  ")


def plain(doc: str) -> str:
    """A docstring without its markup."""
    return doc.replace("``", "`")


def near(name: str) -> str:
    """What somebody who wrote ``name`` may have meant."""
    from llmgate_core.plugins import discover

    close = difflib.get_close_matches(name, {one.name for one in discover()}, n=1)
    return f"did you mean {close[0]!r}?" if close else "see: llmgate plugin list"


@click.command()
@click.argument("name")
@click.option("--provider", "variant", flag_value="provider", help="One that brings a provider type.")
@click.option("--dialect", "variant", flag_value="dialect", help="One that brings a wire format.")
@click.option(
    "--into", type=click.Path(path_type=Path), default=Path(), help="The folder to make it in. Default: here."
)
def new(name: str, variant: str | None, into: Path) -> None:
    """Start a plugin: a working, tested one under your name."""
    from .scaffold import scaffold

    made = scaffold(name, variant or "hook", into)
    folder = made if made.is_absolute() else f"./{made}"
    click.echo(f"made {made}: a plugin that works; make it yours. Next:\n")
    click.echo(f"  pip install -e '{folder}[test]'\n  pytest {folder}\n  llmgate serve")


@click.command()
@click.argument("subject", metavar="NAME|PATH")
@json_option
def check(subject: str, as_json: bool) -> None:
    """Check an installed plugin, or a plugin's folder: exit code 1 when there is something to mend."""
    from .checks import check_folder, check_installed

    findings = check_folder(Path(subject)) if Path(subject).is_dir() else check_installed(subject)
    if as_json:
        print_json(findings)
    for finding in findings if not as_json else ():
        click.echo(finding)
    if findings:
        raise SystemExit(1)
    if not as_json:
        click.echo(f"ok: {subject}")


plugin_group = Group("plugin", help="List, show, check and make plugins.", commands=[list_plugins, show, new, check])
