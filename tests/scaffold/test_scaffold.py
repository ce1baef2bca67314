"""What ``llmgate plugin new`` makes is a plugin: in a clean environment it is listed, passes its own tests, and serves."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.scaffold.conftest import Stranger

FRESH = ("fresh_hook", "fresh_provider", "fresh_dialect")


@pytest.mark.parametrize("word", FRESH)
def test_its_own_tests_pass(stranger: Stranger, word: str) -> None:
    """pytest, in the plugin's folder, against the installed wheel."""
    assert " passed" in stranger.run("python", "-m", "pytest", "-q", "-W", "error", plugin=word)


@pytest.mark.parametrize("word", FRESH)
def test_linters_find_nothing(stranger: Stranger, word: str) -> None:
    """ruff, its formatter, and mypy --strict on sources and tests."""
    stranger.run("ruff", "check", ".", plugin=word)
    stranger.run("ruff", "format", "--check", ".", plugin=word)
    stranger.run("mypy", "--strict", "src", "tests", plugin=word)


def test_they_are_listed_and_have_no_fault(stranger: Stranger) -> None:
    """They appear in the list, switched on, with their hooks; ``plugin check`` finds nothing, installed or in the folder."""
    listed = {one["name"]: one for one in json.loads(stranger.run("llmgate", "plugin", "list", "--json"))}
    assert {word: (listed[word]["enabled"], listed[word]["hooks"], listed[word]["problem"]) for word in FRESH} == {
        "fresh_hook": (True, ["llmgate_pre_request"], None),
        "fresh_provider": (True, ["llmgate_register_providers"], None),
        "fresh_dialect": (True, ["llmgate_register_dialects"], None),
    }
    for word in FRESH:
        # the name means the folder where there is one of that name, the installed plugin anywhere else
        assert stranger.run("llmgate", "plugin", "check", word) == f"ok: {word}\n"
        assert stranger.run("llmgate", "plugin", "check", word, plugin=word) == f"ok: {word}\n"


@pytest.fixture(scope="module")
def port(stranger: Stranger) -> Iterator[int]:
    """The port of ``llmgate serve`` in the stranger's environment, without any config."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [str(stranger.programs / "llmgate"), "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=stranger.plugins, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "listening on" in first, first + process.stderr.read()
        yield int(first.rpartition(":")[2])
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(120) == 0


def ask(port: int, path: str, body: dict[str, Any]) -> tuple[dict[str, str], Any]:
    """Headers and body of one good answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 200, text
    return {name.lower(): value for name, value in answer.getheaders()}, json.loads(text)


def test_hook_fires(port: int) -> None:
    """A request to another plugin's provider has the new hook's header in its answer."""
    body = {"model": "echo/echo", "messages": [{"role": "user", "content": "Hello!"}]}
    headers, _ = ask(port, "/v1/chat/completions", body)
    assert headers["x-fresh-hook"] == "hello"


def test_provider_answers(port: int) -> None:
    """The new provider is asked in a dialect that it knows nothing of."""
    body = {"model": "fresh_provider/loud", "messages": [{"role": "user", "content": "Hello there"}]}
    _, answer = ask(port, "/v1/chat/completions", body)
    assert answer["choices"][0]["message"]["content"] == "HELLO THERE!"


def test_dialect_is_spoken(port: int) -> None:
    """Another plugin's provider is asked in the new dialect, and the new provider too."""
    body = {"model": "fresh_provider/loud", "turns": [{"who": "user", "text": "Hello there"}]}
    _, answer = ask(port, "/v1/fresh_dialect/chat", body)
    assert answer["text"] == "HELLO THERE!"
    _, answer = ask(port, "/v1/fresh_dialect/chat", {**body, "model": "echo/echo"})
    assert "Hello there" in answer["text"]
