"""The template is in the package of the command line, however that is built."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "plugin_template"
INSIDE = "llmgate_cli/plugin_template/"


def build(folder: Path, kind: str, out: Path) -> Path:
    """What hatchling makes of the project in ``folder``."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = out.iterdir()
    return made


def template_in(wheel: Path) -> dict[str, bytes]:
    """The template's files in a wheel, by their places."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(INSIDE)]
        return {name.removeprefix(INSIDE): archive.read(name) for name in names}


@pytest.fixture
def here() -> dict[str, bytes]:
    """The template's files in the checkout."""
    files = [path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(TEMPLATE).as_posix(): path.read_bytes() for path in files}


def test_wheel_holds_the_template(tmp_path: Path, here: dict[str, bytes]) -> None:
    """Every file of it, byte for byte, when the wheel is built from the checkout."""
    assert template_in(build(ROOT / "cli", "wheel", tmp_path / "wheel")) == here


def test_wheel_of_the_sdist_holds_the_template(tmp_path: Path, here: dict[str, bytes]) -> None:
    """The same when it is built from the unpacked source distribution, which has no checkout around it."""
    sdist = build(ROOT / "cli", "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # not yet in Python 3.11.0 to 3.11.3
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    assert template_in(build(folder, "wheel", tmp_path / "wheel")) == here
