"""Every member's wheel works alone: in a clean environment with core's wheel and what the two declare, nothing else."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Install = Callable[..., Path]

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "bin" / "uv"
PLUGINS = sorted(
    path.parent for folder in ("builtin_plugins", "contrib") for path in ROOT.glob(f"{folder}/*/pyproject.toml")
)
MEMBERS = {
    **{path.name: path for path in [ROOT / "core", ROOT / "cli", ROOT / "native", *PLUGINS]},
    "example": ROOT / "plugin_template",
}

KIT = "llmgate_core.testing"  # for plugin authors: what it needs is installed by an extra

# imports every module of a package but `__main__` and those under the second name, then loads all entry points
PROBE = """
import importlib, pkgutil, sys
from importlib.metadata import entry_points
package = importlib.import_module(sys.argv[1])
assert "site-packages" in package.__file__, package.__file__
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.startswith((*sys.argv[2:], package.__name__ + ".__main__")):
        importlib.import_module(module.name)
print([entry.name for entry in entry_points(group="llmgate") if entry.load()])
"""


def run(command: Sequence[str | Path], env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """A command's output; when it fails, an error that shows it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=cwd)
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Builds and installs run two at a time."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor) -> dict[str, Path]:
    """The wheel of each member by its word, and of the standard set by the word `standard`."""

    def build(item: tuple[str, Path]) -> Path:
        out = tmp_path_factory.getbasetemp() / "wheels" / item[0]
        if item[0] == "native":
            return build_native(item[1], out)
        run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out], cwd=item[1])
        (wheel,) = out.glob("*.whl")
        return wheel

    todo = {**MEMBERS, "standard": ROOT}
    return dict(zip(todo, pool.map(build, todo.items()), strict=True))


def build_native(folder: Path, out: Path, **env: str) -> Path:
    """The wheel of the C, made in a copy: setuptools keeps what it has built beside its sources."""
    left = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "*.so", "*.pyd")
    copy = shutil.copytree(folder, out.with_name(f"{out.name}-sources"), ignore=left)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--isolated",
        "wheel",
        "--quiet",
    ]
    run(
        [*pip, "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir", "-w", out, copy],
        {**os.environ, **env},
    )
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Install:
    """`install("name", requirement, …)` makes a clean environment of what is asked, in the lock's versions."""
    run([sys.executable, ROOT / ".ci" / "uv.py", "--version"])  # fetches uv when make has not
    bootstrap = runpy.run_path(str(ROOT / ".ci" / "uv.py"))
    env = {**os.environ, **bootstrap["uv_environment"](bootstrap["pip_settings"]())}
    base = tmp_path_factory.mktemp("environments")
    versions = re.findall(r"^(\S+==\S+(?: ; .*?)?) \\$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    (base / "versions.txt").write_text("\n".join(versions))

    def make(name: str, *requirements: str | Path) -> Path:
        run([UV, "venv", "--quiet", "--python", sys.executable, base / name], env)
        command: list[str | Path] = [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            base / name,
            "-c",
            base / "versions.txt",
        ]
        if requirements:
            run([*command, *requirements], env)
        return base / name / "bin"

    return make


@pytest.fixture(scope="module")
def alone(pool: ThreadPoolExecutor, wheels: dict[str, Path], install: Install) -> dict[str, Future[Path]]:
    """For each member the folder of programs of an environment that holds it and core."""
    return {word: pool.submit(partial(install, word, wheels[word], wheels["core"])) for word in MEMBERS}


@pytest.mark.parametrize("word", MEMBERS)
def test_wheel_holds_the_package_and_its_type_marker(word: str, wheels: dict[str, Path]) -> None:
    """A wheel brings one import package, marked as typed, and none of the tests."""
    names = zipfile.ZipFile(wheels[word]).namelist()
    assert f"llmgate_{word}/py.typed" in names
    tops = {name.partition("/")[0] for name in names}
    assert sorted(top for top in tops if not top.endswith(".dist-info")) == [f"llmgate_{word}"]


@pytest.mark.parametrize("word", MEMBERS)
def test_member_works_alone(word: str, alone: dict[str, Future[Path]]) -> None:
    """Each module imports and the entry point loads, with nothing installed that is not declared."""
    bin_ = alone[word].result()
    found = run([bin_ / "python", "-I", "-W", "error", "-c", PROBE, f"llmgate_{word}", KIT], cwd=bin_)
    assert found.strip() == str([] if word in {"core", "cli", "native"} else [word])


def test_kit_works_with_its_extra(wheels: dict[str, Path], install: Install) -> None:
    """`llmgate-core[testing]` is enough to import the kit for plugin authors."""
    bin_ = install("kit", f"llmgate-core[testing] @ {wheels['core'].as_uri()}")
    run([bin_ / "python", "-I", "-W", "error", "-c", PROBE, KIT], cwd=bin_)


def test_standard_set_is_installed_by_pip(wheels: dict[str, Path], install: Install) -> None:
    """pip itself installs the standard set, finds no conflict in it, and the command starts with every builtin."""
    bin_ = install("standard")
    standard = [
        wheel
        for word, wheel in wheels.items()
        if word != "example" and MEMBERS.get(word, ROOT).parent.name != "contrib"
    ]
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", bin_ / "python", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "-c", bin_.parent.parent / "versions.txt", *standard])
    run([*pip, "check"])
    assert run([bin_ / "llmgate", "--version"], cwd=bin_) != ""
    script = "from importlib.metadata import entry_points as e; print(*sorted(x.name for x in e(group='llmgate')))"
    found = run([bin_ / "python", "-I", "-c", script], cwd=bin_).split()
    assert found == sorted(path.name for path in PLUGINS if path.parent.name == "builtin_plugins")


@pytest.mark.parametrize("broken", [False, True], ids=["compiler", "broken_compiler"])
def test_native_goes_without_a_compiler(
    wheels: dict[str, Path], install: Install, tmp_path: Path, *, broken: bool
) -> None:
    """`llmgate-core[native]` uses the C that was compiled; with a compiler that fails, all of it works without."""
    wheel = build_native(MEMBERS["native"], tmp_path / "wheel", CC="false") if broken else wheels["native"]
    compiled = any("_native." in name and not name.endswith(".pyi") for name in zipfile.ZipFile(wheel).namelist())
    assert not (compiled and broken)
    bin_ = install(f"native-{broken}", f"llmgate-core[native] @ {wheels['core'].as_uri()}", wheel)
    env = {name: value for name, value in os.environ.items() if name != "LLMGATE_PURE"}
    script = "import llmgate_core.wire.server; from llmgate_core.native import native; print(native is not None)"
    assert run([bin_ / "python", "-I", "-W", "error", "-c", script], env, bin_).strip() == str(compiled)


def test_sdist_of_native_holds_what_it_is_built_from(tmp_path: Path) -> None:
    """Sources, headers and tests of the C are in it, and nothing that was built."""
    native = MEMBERS["native"]
    left = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    copy = shutil.copytree(native, tmp_path / "native", ignore=left)
    script = "from setuptools import build_meta; print(build_meta.build_sdist('.'))"
    name = run([sys.executable, "-c", script], cwd=copy).splitlines()[-1]
    with tarfile.open(copy / name) as archive:
        held = {member.partition("/")[2] for member in archive.getnames()}
    wanted = {*native.glob("c/*.[ch]"), *native.glob("tests/*.py"), *native.glob("src/llmgate_native/*.py*")}
    assert {str(path.relative_to(native)) for path in wanted} <= held
    assert [file for file in held if file.endswith((".so", ".pyd", ".pyc"))] == []
