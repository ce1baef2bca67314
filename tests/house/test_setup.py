"""Two commands set everything up, from what a machine already has."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house.conftest import Member


@pytest.fixture
def bootstrap(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The functions of `.ci/uv.py`, with no variable of uv's set."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    return runpy.run_path(str(root / ".ci" / "uv.py"))


def test_make_alone_shows_what_it_can_do(root: Path) -> None:
    """`make` prints one line for each target that a person calls."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    targets = re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE)
    assert {"serve", "test", "check", "bench"} <= set(targets)
    assert re.findall(r"make ([a-z]+) ", shown) == targets


def test_lock_holds_every_declared_requirement(root: Path, members: list[Member]) -> None:
    """Whatever a member declares has a version in requirements.lock; `make lock` enters what is missing."""
    locked = set(re.findall(r"^([\w.-]+)==", (root / "requirements.lock").read_text(), re.MULTILINE))
    declared = {
        re.split(r"[ \[<>=!~;]", requirement)[0].lower()
        for member in members
        for project in [member.pyproject["project"]]
        for group in [project["dependencies"], *project.get("optional-dependencies", {}).values()]
        for requirement in group
    }
    assert sorted(name for name in declared - locked if not name.startswith("llmgate-")) == []


def test_uv_uses_the_index_that_pip_uses(
    bootstrap: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip's settings, from its file or its variables, become uv's; a folder of links that is not there is left out."""
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nindex-url = https://one.example/\ncert = /ca.pem\nfind-links = {tmp_path}\n  /not/there\n"
    )
    for name in ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://two.example/ https://three.example/")
    got = bootstrap["uv_environment"](bootstrap["pip_settings"]())
    assert {
        key: got.get(key) for key in ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "SSL_CERT_FILE")
    } == {
        "UV_DEFAULT_INDEX": "https://one.example/",
        "UV_EXTRA_INDEX_URL": "https://two.example/ https://three.example/",
        "UV_FIND_LINKS": str(tmp_path),
        "SSL_CERT_FILE": "/ca.pem",
    }


def test_settings_of_uv_win_over_those_of_pip(bootstrap: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has set up uv on a machine keeps what was set."""
    monkeypatch.setenv("UV_INDEX_URL", "https://mine.example/")
    assert "UV_DEFAULT_INDEX" not in bootstrap["uv_environment"]({"index-url": "https://pips.example/"})


def test_uv_downloads_no_python(bootstrap: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own Python is used, whatever uv would fetch."""
    monkeypatch.delenv("UV_PYTHON_DOWNLOADS", raising=False)
    assert bootstrap["uv_environment"]({})["UV_PYTHON_DOWNLOADS"] == "never"
