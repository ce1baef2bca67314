"""A page is a story: its blocks are played from the top, in one folder, with one gateway."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from click.testing import CliRunner

from llmgate_cli.main import make_cli
from tests.docs.outputs import agrees
from tests.docs.pages import Block, Page
from tests.docs.shell import CommandFailed, Shell

CONFIG_TABLES: Final = {"gateway", "providers", "plugins"}
PROMPT: Final = "$ "


class Story:
    """Plays the blocks of one page. Raises :class:`CommandFailed` where the page is wrong."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self._shell = Shell(folder)
        self._printed: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._shell.close()

    def play(self) -> None:
        """All blocks, in order."""
        for block in self._page.blocks:
            if block.not_run is None:
                try:
                    self._play(block)
                except (CommandFailed, RuntimeError, OSError, ValueError) as error:
                    raise CommandFailed(f"{block}: {error}") from error

    def _play(self, block: Block) -> None:
        printed, self._printed = self._printed, None
        if block.file is not None:
            place = self._folder / block.file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self._here(block), "utf-8")
        if block.language == "python":
            compile(block.text, str(block), "exec")
            if block.file is None:
                self._printed = self._run_python(block)
        elif block.language == "toml":
            self._check_toml(block)
        elif block.language == "console":
            self._play_console(block)
        elif block.language == "bash":
            for line in commands(block.text):
                self._succeed(line)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "text" and printed is not None:
            must_agree(block.text, printed)

    def _run_python(self, block: Block) -> str:
        script = self._folder / "block.py"
        script.write_text(self._shell.real(block.text), "utf-8")
        printed = self._shell.python([str(script)])
        if self._shell.code:
            raise CommandFailed(f"it failed:\n{printed}")
        return printed

    def _check_toml(self, block: Block) -> None:
        """A config passes ``llmgate config check``, with a made-up value for every secret it names."""
        if not CONFIG_TABLES & tomllib.loads(block.text).keys():
            return
        for name in re.findall(r'env = "(\w+)"', block.text):
            self._shell.env.setdefault(name, f"sk-made-up-{name.lower().replace('_', '-')}")
        file = self._folder / (block.file or "block.toml")
        if block.file is None:
            file.write_text(self._here(block), "utf-8")
        if self._shell.made_plugins:
            self._succeed(f"llmgate config check -c {file}")
            return
        checked = CliRunner().invoke(make_cli(), ["config", "check", "-c", str(file)], env=self._shell.env)
        if checked.exit_code:
            raise CommandFailed(f"llmgate config check refuses it:\n{checked.output}")

    def _here(self, block: Block) -> str:
        """The block's text; the files that a config names are in the page's folder, those of secrets with something in them."""
        if block.language != "toml":
            return block.text
        for secret, name in re.findall(r'(\{ )?file = "/([^"]+)"', block.text):
            place = self._folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if secret:
                place.write_text(f"sk-made-up-{place.name}\n", "utf-8")
        return re.sub(r'file = "/', f'file = "{self._folder}/', block.text)

    def _play_console(self, block: Block) -> None:
        steps = list(prompts(block.text))
        for number, (line, shown) in enumerate(steps):
            printed = self._shell.run(line)
            asks = number + 1 < len(steps) and steps[number + 1][0] == "echo $?"
            if self._shell.code and not asks and line != "echo $?":
                raise CommandFailed(f"{line!r} failed:\n{printed}")
            if shown.strip():
                must_agree(shown, printed)

    def _succeed(self, line: str) -> None:
        printed = self._shell.run(line)
        if self._shell.code:
            raise CommandFailed(f"{line!r} failed:\n{printed}")


def must_agree(shown: str, printed: str) -> None:
    """Raise :class:`CommandFailed` showing both."""
    if not agrees(shown, printed):
        raise CommandFailed(f"the page shows\n\n{shown}\nbut this was printed\n\n{printed}")


def prompts(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, and what the page shows below it."""
    for part in re.split(rf"^{re.escape(PROMPT)}", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        command = lines.pop(0)
        while command.endswith("\\"):
            command = command[:-1] + lines.pop(0)
        yield command, "\n".join(lines)


def commands(text: str) -> Iterator[str]:
    """Each command of a block without prompts."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()
