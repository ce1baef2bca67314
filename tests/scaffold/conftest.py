"""A clean environment, as a stranger has it, in which three plugins were made with ``llmgate plugin new``."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "bin" / "uv"
MEMBERS = [ROOT / "core", ROOT / "cli", *(ROOT / "builtin_plugins" / word for word in ("echo", "openai", "router"))]
PLUGINS = {"fresh-hook": (), "fresh-provider": ("--provider",), "fresh-dialect": ("--dialect",)}


def run(command: Sequence[str | Path], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """A command's output; when it fails, an error that shows it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=cwd)
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


@dataclass(frozen=True)
class Stranger:
    """``programs`` is the environment's folder of programs, ``plugins`` the folder the new plugins are in."""

    programs: Path
    plugins: Path

    def run(self, *command: str, plugin: str = "") -> str:
        """Run one of the environment's programs, in the folder of a plugin or of all. Nothing of the checkout is in sight."""
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LLMGATE", "PYTEST"))
        }
        return run([self.programs / command[0], *command[1:]], self.plugins / plugin, env)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """Wheels of the core, the command line and what serves a first request; then the new plugins, as wheels as well."""
    base = tmp_path_factory.mktemp("stranger")
    env, versions = uv_environment(), locked_versions(base)
    python = base / "environment"
    run([UV, "venv", "--quiet", "--python", sys.executable, python], env=env)

    def install(*requirements: str | Path) -> None:
        pip: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", python, "-c", versions]
        run([*pip, *requirements], env=env)

    core, *others = [build(member, base) for member in MEMBERS]
    install(f"llmgate-core[testing] @ {core.as_uri()}", *others, "mypy", "ruff")
    (base / "plugins").mkdir()
    made = Stranger(python / "bin", base / "plugins")
    for name, option in PLUGINS.items():
        made.run("llmgate", "plugin", "new", name, *option)
    install(*(build(made.plugins / name.replace("-", "_"), base) for name in PLUGINS))
    return made


def build(folder: Path, base: Path) -> Path:
    """A project's wheel."""
    out = base / "wheels" / folder.name
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out], cwd=folder)
    (wheel,) = out.glob("*.whl")
    return wheel


def uv_environment() -> dict[str, str]:
    """The variables with which uv uses what pip uses here; fetches uv when make has not."""
    run([sys.executable, ROOT / ".ci" / "uv.py", "--version"])
    bootstrap = runpy.run_path(str(ROOT / ".ci" / "uv.py"))
    return {**os.environ, **bootstrap["uv_environment"](bootstrap["pip_settings"]())}


def locked_versions(base: Path) -> Path:
    """The lock's versions as constraints."""
    lock = (ROOT / "requirements.lock").read_text()
    file = base / "versions.txt"
    file.write_text("\n".join(re.findall(r"^(\S+==\S+(?: ; .*?)?) \\$", lock, re.MULTILINE)))
    return file
