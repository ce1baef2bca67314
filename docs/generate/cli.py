"""Every command of ``llmgate`` with what its ``--help`` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from llmgate_cli.main import make_cli

from .markdown import generated

WIDTH: Final = 90
LEAD: Final = """
Plugins may add commands of their own (`llmgate_register_commands`); these are always there. Exit codes: 0 is well,
1 is a finding or a failure, 2 is a mistake in the command line or in the config, told with file, path and hint.
What programs read goes to stdout, what people read goes to stderr. Secrets are masked everywhere.
`LLMGATE_TRACEBACK=1` shows where an unforeseen error happened.
"""


def page() -> str:
    """The reference page."""
    root = make_cli()
    parts = [generated("Command line", LEAD)]
    parts += [f"## {path}\n\n```text\n{text}\n```" for path, text in helps(root)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def helps(root: click.Group) -> Iterator[tuple[str, str]]:
    """``("llmgate config check", help)`` of each command, the groups before what is in them."""

    def walk(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, str]]:
        with click.Context(
            command, parent=parent, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH
        ) as here:
            here.help_option_names = ["-h", "--help"]
            yield here.command_path, command.get_help(here).strip()
            for inner, one in (command.commands if isinstance(command, click.Group) else {}).items():
                yield from walk(one, here, inner)

    yield from walk(root, None, "llmgate")
