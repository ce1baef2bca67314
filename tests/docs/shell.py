"""A shell that knows the commands of the pages, and refuses all others: what a page tells a reader to type has to work.

``llmgate``, ``pytest``, ``ruff`` and ``python`` are run; ``curl`` is played (``curl``); ``pip install`` of a plugin's folder
builds its wheel and takes the metadata from it. ``make`` is held against the Makefile: the tests themselves are run by it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docs.curl import curl
from tests.docs.pages import ROOT
from tests.docs.serving import Serving

SECONDS: Final = 60.0
PORT: Final = "8080"
"""The port that the pages show, whatever the real one is."""
BUILD: Final = (sys.executable, "-m", "hatchling", "build", "-t", "wheel")


class CommandFailed(AssertionError):
    """A command of a page did not do what it should."""


class Shell:
    """One page's session: its folder, its environment, and the gateway that its ``llmgate serve`` started."""

    def __init__(self, folder: Path) -> None:
        self.home = self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not re.search(r"_API_KEY$|^LLMGATE_", name)}
        self.env |= {"PYTHONPATH": "", "NO_COLOR": "1", "COLUMNS": "200"}
        self.code = 0
        self._serving: Serving | None = None
        self._plugins: list[Path] = []

    @property
    def made_plugins(self) -> bool:
        """Whether the page has installed a plugin of its own, which only processes of the page can find."""
        return bool(self._plugins)

    def close(self) -> None:
        """Stop the gateway, if one was started."""
        if self._serving is not None:
            self._serving.stop()

    def run(self, line: str) -> str:
        """What one command line prints. Raises :class:`CommandFailed` for a command that is not known here."""
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            self.env[name] = value
        if not words:
            return ""
        name, *arguments = words
        known = self._commands().get(Path(name).name)
        if known is None:
            raise CommandFailed(f"the tests of the pages do not know the command {name!r} in: {line}")
        return known(arguments)

    def _commands(self) -> Mapping[str, Callable[[list[str]], str]]:
        return {
            "cd": self._cd,
            "curl": self._curl,
            "echo": self._echo,
            "export": lambda words: "".join(self.run(word) for word in words),
            "llmgate": self._llmgate,
            "make": self._make,
            "pip": self._pip,
            "pytest": lambda words: self.python(["-m", "pytest", "-p", "no:cacheprovider", *words]),
            "python": self._python,
            "python3": self._python,
            "ruff": lambda words: self.python(["-m", "ruff", *words]),
        }

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _cd(self, words: list[str]) -> str:
        self.folder = (self.folder / words[0]).resolve()
        if not self.folder.is_dir():
            raise CommandFailed(f"there is no folder {words[0]!r}")
        return ""

    def _echo(self, words: list[str]) -> str:
        return " ".join(str(self.code) if word == "$?" else word for word in words)

    def _curl(self, words: list[str]) -> str:
        return self.shown(curl([self.real(os.path.expandvars(self._expanded(word))) for word in words]))

    def _expanded(self, word: str) -> str:
        return re.sub(r"\$([A-Z_]+)", lambda found: self.env[found[1]], word)

    def _llmgate(self, words: list[str]) -> str:
        if words[:1] != ["serve"]:
            return self.python(["-m", "llmgate_cli", *words])
        self.close()
        self._serving = Serving(words[1:], self.folder, self._environment())
        return self.shown(self._serving.banner)

    def _make(self, words: list[str]) -> str:
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        if unknown := [word for word in words if "=" not in word and word not in targets]:
            raise CommandFailed(f"the Makefile has no target {unknown}")
        return self._llmgate(["serve"]) if words[:1] == ["serve"] else ""

    def _python(self, words: list[str]) -> str:
        if words[:2] == ["-m", "pip"]:
            return self._pip(words[2:])
        if words[:2] == ["-m", "venv"]:
            return ""
        if words[:1] == ["-m"] and (ROOT / words[1].replace(".", "/")).is_dir():
            return ""  # a tool of this repository: it has tests of its own
        return self.python(words)

    def _pip(self, words: list[str]) -> str:
        """``pip install``: folders of this repository must be there; a plugin in the page's own folder is built."""
        if words[:1] != ["install"]:
            raise CommandFailed(f"only pip install is known, not: pip {' '.join(words)}")
        for word in words[1:]:
            place = word.partition("[")[0]
            if (self.folder / place / "pyproject.toml").is_file():
                self._install((self.folder / place).resolve())
            elif not word.startswith("-") and not any(path.is_file() for path in ROOT.glob(f"{place}/pyproject.toml")):
                raise CommandFailed(f"there is nothing to install at {word!r}")
        return ""

    def _install(self, project: Path) -> None:
        """Its source, and its metadata out of a wheel, on the path of all that is run from now on."""
        place = self.home / "site"
        done = subprocess.run([*BUILD, "-d", str(place)], cwd=project, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandFailed(f"{project.name} cannot be built:\n{done.stdout}{done.stderr}")
        for wheel in place.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(place, [name for name in archive.namelist() if ".dist-info/" in name])
            wheel.unlink()
        self._plugins.append(project / "src")

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    def python(self, arguments: list[str]) -> str:
        """What ``python ARGUMENTS`` prints; its exit code is kept."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.code = done.returncode
        return self.shown(done.stdout)

    def _environment(self) -> dict[str, str]:
        places = [*self._plugins, *([self.home / "site"] if self._plugins else [])]
        return {**self.env, "PYTHONPATH": os.pathsep.join(map(str, places))}

    def real(self, text: str) -> str:
        """``text`` with the gateway's true port; one without any config is started when there is none."""
        if PORT not in text:
            return text
        if self._serving is None:
            self._serving = Serving([], self.folder, self._environment())
        return text.replace(f":{PORT}", f":{self._serving.port}")

    def shown(self, text: str) -> str:
        """``text`` with the port that the pages show, and no folder of this machine."""
        port = None if self._serving is None else self._serving.port
        return (text if port is None else text.replace(f":{port}", f":{PORT}")).replace(f"{self.folder}/", "")
