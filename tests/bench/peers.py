"""Other gateways, each described by a TOML file: how to install it, start it, and ask it. See README.md."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cattrs
from attrs import field, frozen

from .contestants import Address, Scene
from .measure import pid_listening
from .processes import HOST, ROOT, Failed, Program, find, free_port
from .workloads import Kind

HOME: Final = ROOT / ".bench" / "peers"
RECIPES: Final = Path(__file__).parent / "peers"


@frozen
class Recipe:
    """One file. In every text these are filled in: ``{home}`` (where it is installed), ``{needs}``, ``{scratch}`` (this run's
    folder), ``{port}``, ``{plain}`` ``{tls}`` ``{streams}`` (base URLs of the mock upstream), ``{authority}`` (the certificate
    that signed its own).

    Without ``command`` it runs already, on ``port``. ``models`` and ``headers`` are by face of the upstream; a face without a
    model is not asked. ``paths`` replaces a dialect's usual path.
    """

    name: str
    version: str
    models: Mapping[Kind, str]
    install: list[list[str]] = field(factory=list)
    needs: str = ""
    command: list[str] = field(factory=list)
    port: int = 0
    env: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, str] = field(factory=dict)
    headers: Mapping[Kind, Mapping[str, str]] = field(factory=dict)
    most_connections: int = 4096
    patience: float = 90.0

    @property
    def home(self) -> Path:
        """Where it is installed."""
        return HOME / self.name

    @property
    def installed(self) -> bool:
        """Whether it could be started; what runs already always can."""
        return not self.needs or Path(self.needs.replace("{home}", str(self.home))).exists()


def read_recipe(file: Path) -> Recipe:
    """A recipe from its file. Raises Failed with what is wrong in it."""
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text())
        return cattrs.Converter(forbid_extra_keys=True).structure(data, Recipe)
    except (OSError, tomllib.TOMLDecodeError, cattrs.BaseValidationError) as error:
        texts = cattrs.transform_error(error) if isinstance(error, cattrs.BaseValidationError) else [str(error)]
        raise Failed(f"{file}: {'; '.join(texts)}") from error


def recipes() -> list[Recipe]:
    """Those that come with the benchmark."""
    return [read_recipe(file) for file in sorted(RECIPES.glob("*.toml"))]


def install(recipe: Recipe) -> None:
    """Run its commands; what they print is shown."""
    recipe.home.mkdir(parents=True, exist_ok=True)
    for command in recipe.install:
        words = [word.replace("{home}", str(recipe.home)).replace("{python}", sys.executable) for word in command]
        print(f"{recipe.name}: {' '.join(words)}", flush=True)
        done = subprocess.run([find(words[0]) or words[0], *words[1:]], check=False)
        if done.returncode:
            raise Failed(f"{recipe.name} could not be installed: `{' '.join(words)}` ended with {done.returncode}")


class Peer:
    """A recipe that runs."""

    def __init__(self, recipe: Recipe, scene: Scene) -> None:
        self.name, self.version = recipe.name, recipe.version
        self.most_connections = recipe.most_connections
        self._recipe = recipe
        self._program: Program | None = None
        self.port = recipe.port or free_port()
        scratch = scene.folder / recipe.name
        scratch.mkdir()
        self._values = {
            "{home}": str(recipe.home),
            "{scratch}": str(scratch),
            "{needs}": recipe.needs.replace("{home}", str(recipe.home)),
            "{port}": str(self.port),
            "{authority}": str(scene.upstream.authority),
            **{f"{{{kind}}}": scene.upstream.base_url(kind) for kind in scene.upstream.ports},
        }
        for name, text in recipe.files.items():
            (scratch / name).write_text(self._filled(text))
        if recipe.command:
            self._program = Program(
                self.name,
                [self._filled(word) for word in recipe.command],
                scene.folder / f"{self.name}.log",
                self.port,
                core=scene.gateway_core,
                env={**os.environ, **{name: self._filled(value) for name, value in recipe.env.items()}},
                cwd=scratch,
                patience=recipe.patience,
            )
            self.pid = self._program.pid
        else:
            self.pid = pid_listening(self.port)
            if not self.pid:
                raise Failed(f"{self.name}: no process of this user listens on {HOST}:{self.port}; start it first")
        self.start_seconds = self._program.start_seconds if self._program else None

    def _filled(self, text: str) -> str:
        for placeholder, value in self._values.items():
            text = text.replace(placeholder, value)
        return text

    def address(self, kind: Kind) -> Address | None:
        """None for a face of the upstream that the recipe has no model for."""
        if kind not in self._recipe.models:
            return None
        headers = self._recipe.headers.get(kind, {})
        return Address(
            self.port,
            self._filled(self._recipe.models[kind]),
            {name: self._filled(value) for name, value in headers.items()},
        )

    def stop(self) -> None:
        """End it, if it was started here."""
        if self._program:
            self._program.stop()
