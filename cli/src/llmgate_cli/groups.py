"""Command groups that say "did you mean", and the one at the root, which knows the plugins' commands too."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .extra_commands import plugin_commands

if TYPE_CHECKING:
    from collections.abc import Mapping


class Group(click.Group):
    """A group that keeps the order its commands were given in, and helps with a typo."""

    def __init__(self, name: str, *, commands: Sequence[click.Command] = (), **rest: Any) -> None:
        super().__init__(name, **rest)
        for command in commands:
            self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the given order, not by letter: the first is the one a newcomer needs first."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names. Raises UsageError with the nearest names there are."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(self.list_commands(ctx))}"
            raise click.UsageError(f"no such command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


class RootGroup(Group):
    """``llmgate``. Plugins are imported only for a command that is not built in, and for ``--help``."""

    _asked = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The built-in ones, then the plugins'."""
        self._ask_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """By name; a built-in one costs no look at the plugins."""
        if cmd_name not in self.commands:
            self._ask_plugins()
        return super().get_command(ctx, cmd_name)

    def _ask_plugins(self) -> None:
        if not self._asked:
            self._asked = True
            found: Mapping[str, click.Command] = plugin_commands(taken=self.commands)
            self.commands.update(found)
