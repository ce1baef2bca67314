"""The C beside the core: built where it can be, from the sources that are here, and as tidy as the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CURE = "run: rm -f .venv/.native; make test (native/build/make.log then has the reason)"
TELL = "import llmgate_native; n = llmgate_native.native; print(n.__file__ if n else '')"
PROBE = """
from setuptools import Extension, setup
setup(name="probe", py_modules=[], ext_modules=[Extension("probe", ["probe.c"])])
"""


@pytest.fixture(scope="module")
def built() -> str:
    """The file of the extension module, as a process without LLMGATE_PURE finds it; empty when it was not built."""
    env = {name: value for name, value in os.environ.items() if name != "LLMGATE_PURE"}
    return subprocess.check_output([sys.executable, "-c", TELL], env=env, text=True).strip()


@pytest.fixture(scope="module")
def c_files(committed: list[Path]) -> list[Path]:
    """Every C source and header of the repository."""
    return [path for path in committed if path.suffix in {".c", ".h"}]


def test_native_is_built_where_it_can_be(built: str, tmp_path: Path) -> None:
    """Where a C compiler and Python's headers are, the C was compiled: it is no silent fallback of a broken build."""
    (tmp_path / "probe.c").write_text("#include <Python.h>\nPyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n")
    command = [sys.executable, "-c", PROBE, "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no C extension can be built here: {(done.stderr.strip() or '?').splitlines()[-1]}")
    assert built, f"a C compiler and Python.h are here, and llmgate-native was not built; {CURE}"


def test_native_was_built_from_these_sources(built: str, c_files: list[Path], root: Path) -> None:
    """No file of C is newer than what is imported, as after a pull without make."""
    if not built:
        pytest.skip("llmgate-native is not built")
    made = os.stat(built).st_mtime  # noqa: PTH116  # a path as text
    newer = [str(path.relative_to(root)) for path in c_files if path.stat().st_mtime > made]
    assert newer == [], CURE


def test_c_is_as_tidy_as_the_rest(c_files: list[Path], root: Path) -> None:
    """At most 400 lines, no tab, no space at the end of a line, one line end at the end."""
    assert c_files
    for path in c_files:
        text = path.read_text()
        assert len(text.splitlines()) <= 400, path.relative_to(root)
        assert "\t" not in text, path.relative_to(root)
        assert [number for number, line in enumerate(text.split("\n"), 1) if line != line.rstrip()] == [], path
        assert text == text.rstrip() + "\n", path.relative_to(root)


def test_every_file_of_c_says_what_it_is(c_files: list[Path], root: Path) -> None:
    """It begins with a comment, as a module does with its docstring."""
    assert [str(path.relative_to(root)) for path in c_files if not path.read_text().startswith("/* ")] == []
