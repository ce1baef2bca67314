"""What is set up outside of llmgate: unit file, container file and proxy name options, folders and limits that exist."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib

import pytest

from llmgate_cli.main import make_cli
from llmgate_core.config import GatewayConfig
from llmgate_core.provider import Timeouts
from llmgate_core.wire.slow import SlowLimits
from tests.docs.pages import ROOT, Page

MB = 1024 * 1024


@pytest.fixture(scope="module")
def page() -> Page:
    """The how-to."""
    return Page("docs/how-to/deploy.md")


def block(page: Page, language: str) -> str:
    """The page's first block in one language."""
    return next(block.text for block in page.blocks if block.language == language)


def check_serve(words: list[str]) -> None:
    """Raise when ``llmgate WORDS`` would not be understood."""
    assert words[0] == "serve"
    command = make_cli().commands["serve"]
    command.make_context("serve", words[1:], help_option_names=["-h", "--help"])


def test_unit_file_starts_what_is_there(page: Page) -> None:
    """ExecStart is a command line that llmgate understands; systemd waits longer than the config's grace."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names have capitals
    unit.read_string(block(page, "ini"))
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/bin/llmgate")
    check_serve(words)
    config = tomllib.loads(block(page, "toml"))
    assert int(unit["Service"]["TimeoutStopSec"]) > config["gateway"]["grace"]
    assert f"/var/log/{unit['Service']['LogsDirectory']}/" in config["plugins"]["access_log"]["file"]


def test_container_installs_and_serves(page: Page) -> None:
    """What is installed is there, and the command is one that llmgate understands."""
    text = block(page, "dockerfile")
    (words,) = re.findall(r"^CMD (.+)$", text, re.MULTILINE)
    check_serve(json.loads(words))
    (install,) = re.findall(r"pip install --no-cache-dir (.+)$", text, re.MULTILINE)
    assert [word for word in install.split() if not list(ROOT.glob(f"{word}/pyproject.toml"))] == []


def test_limits_are_the_defaults(page: Page) -> None:
    """Numbers in the table and in the proxy's config are those of the code."""
    gateway, timeouts = GatewayConfig(), Timeouts()
    cells = dict(re.findall(r"^\| [^|]+ \| ([^|]+) \| ([^|]+) \|$", page.prose, re.MULTILINE))
    told = {re.sub(r".*?(\w+)`.*", r"\1", name): value for name, value in cells.items()}
    assert told["max_body"] == f"{gateway.max_body // MB} MiB"
    assert told["max_response"] == f"{gateway.max_response // MB} MiB"
    assert told["total_timeout"] == f"{gateway.total_timeout:g} s"
    assert told["timeouts"] == f"{timeouts.connect:g}, {timeouts.first_byte:g}, {timeouts.idle:g} s"
    assert told["fixed"] == f"{SlowLimits().head:g} s"
    assert told["body_timeout"] == f"{gateway.body_timeout:g} s"
    assert told["max_connections"] == str(gateway.max_connections)
    proxy = block(page, "nginx")
    assert f"proxy_read_timeout {gateway.total_timeout:g}s;" in proxy
    assert f"client_max_body_size {gateway.max_body // MB}m;" in proxy
