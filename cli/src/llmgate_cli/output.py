"""What the commands say and how they fail: results to stdout, everything else to stderr, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

import click

from .masking import mask_text

TRACEBACK: Final = "LLMGATE_TRACEBACK"
"""The environment variable that lets a traceback through."""


class Failure(click.ClickException):
    """Ends a command with exit code 1: the message goes to stderr, a line for each mistake."""

    def __init__(self, message: str) -> None:
        super().__init__(mask_text(message))

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it. A line that starts with a space goes on with the one before."""
        for line in self.message.splitlines():
            click.echo(line if line.startswith(" ") else f"error: {line}", file=file, err=True)


class ConfigFailure(Failure):
    """What the user asked for cannot be: a mistake in the config, an address that is taken. Exit code 2."""

    exit_code = 2


@contextmanager
def config_errors() -> Iterator[None]:
    """Turns a :class:`ConfigError` into a :class:`ConfigFailure`: every mistake with file, path, what and hint."""
    from llmgate_core.config import ConfigError

    try:
        yield
    except ConfigError as error:
        raise ConfigFailure(str(error)) from None


def warn(message: str) -> None:
    """A line on stderr that ends nothing."""
    click.echo(f"warning: {mask_text(message)}", err=True)


def print_json(value: Any) -> None:
    """For programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """For people: columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo((indent + "  ".join(cells)).rstrip())


json_option = click.option("--json", "as_json", is_flag=True, help="For programs: JSON on stdout.")
