"""Plugins that tests install, commands run in this process, and real ``llmgate serve`` processes."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner, Result

from llmgate_cli.main import make_cli

PATIENCE = 120.0  # seconds until a process that hangs fails its test; nothing is asserted about time

TOY = """
    import asyncio
    import os
    from pathlib import Path

    from attrs import define, field
    from llmgate_core import Secret
    from llmgate_core.testing.plain import PlainPlugin

    @define
    class ToyConfig:
        \"\"\"What the toy can.\"\"\"

        greeting: str = "hello"
        token: Secret | None = None
        gate: str | None = None

    class ToyPlugin(PlainPlugin):
        \"\"\"Serves the plain dialect; says who answered; a model named slow waits at the gate.\"\"\"

        hook_api = 1
        config_class = ToyConfig

        async def llmgate_pre_request(self, exchange):
            exchange.response_headers["x-greeting"] = self.config.greeting
            exchange.response_headers["x-pid"] = str(os.getpid())
            exchange.response_headers["x-metrics"] = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
            if exchange.model == "parrot/slow":
                gate = Path(self.config.gate)
                (gate / "reached").touch()
                while not (gate / "open").exists():
                    await asyncio.sleep(0.01)
"""


class Toys:
    """Installs plugins into a folder of its own: a module and the metadata that the loader looks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, source: str, *, distribution: str | None = None, version: str = "0.1.0") -> None:
        """``source`` defines ``<Name>Plugin``."""
        distribution = distribution or f"llmgate-{name.replace('_', '-')}"
        (self.folder / f"llmgate_{name}.py").write_text(textwrap.dedent(source))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        cls = "".join(part.capitalize() for part in name.split("_")) + "Plugin"
        (info / "entry_points.txt").write_text(f"[llmgate]\n{name} = llmgate_{name}:{cls}\n")

    def config(self, text: str = "", plugins: str = '"toy"') -> Path:
        """A config file that switches on these plugins and no other, so that nothing else need be installed."""
        file = self.folder / "llmgate.toml"
        file.write_text(f"[gateway]\nplugins = [{plugins}]\n{textwrap.dedent(text)}")
        return file


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toys]:
    """A folder for plugins on this process's path, with the toy in it."""
    folder = tmp_path / "toys"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made = Toys(folder)
    made.add("toy", TOY)
    yield made
    for file in folder.glob("llmgate_*.py"):
        sys.modules.pop(file.stem, None)


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("config", "check")`` in an empty folder: exit code, stdout, stderr."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("LLMGATE_CONFIG", raising=False)

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(make_cli(), [str(argument) for argument in arguments], prog_name="llmgate")

    return invoke


class Served:
    """A running ``llmgate serve``: its stderr as it comes, its port, requests to it."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path) -> None:
        self.process = subprocess.Popen(
            command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()

    @property
    def text(self) -> str:
        """All of its stderr so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, pattern: str, times: int = 1) -> re.Match[str]:
        """The last of the first ``times`` places where the pattern stands in stderr."""
        with self._changed:
            told = self._changed.wait_for(lambda: len(self._found(pattern)) >= times, PATIENCE)
        assert told, f"{pattern!r} is not in:\n{self.text}"
        return self._found(pattern)[times - 1]

    def _found(self, pattern: str) -> list[re.Match[str]]:
        return list(re.finditer(pattern, "".join(self._lines)))

    @property
    def port(self) -> int:
        """Where it listens; waits until it does."""
        return int(self.wait_for(r"listening on http://\S+:(\d+)")[1])

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, model: str = "parrot/any", connection: http.client.HTTPConnection | None = None) -> dict[str, str]:
        """The headers of one answer, and its status under ``status``."""
        if connection is None:
            with closing(self.connect()) as own:
                return self.ask(model, own)
        body = {"model": model, "messages": [{"role": "user", "content": [{"type": "Text", "text": "Hi."}]}]}
        connection.request("POST", "/plain/chat", json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return {name.lower(): value for name, value in answer.getheaders()} | {"status": str(answer.status)}

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


Serve = Callable[..., Served]


@pytest.fixture
def serve(toys: Toys) -> Iterator[Serve]:
    """``serve(config, "--workers", "2")``: a process on a free port, killed when the test forgets it."""
    started: list[Served] = []

    def start(config: Path | None, *arguments: str, **environ: str) -> Served:
        given = ["-c", str(config)] if config else []
        command = [sys.executable, "-m", "llmgate_cli", "serve", "--port", "0", *given, *arguments]
        env = {**os.environ, "PYTHONPATH": str(toys.folder), **environ}
        for name in ("LLMGATE_CONFIG", "PROMETHEUS_MULTIPROC_DIR"):
            env.pop(name, None)
        started.append(Served(command, env | environ, toys.folder))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.signal(signal.SIGKILL)
            served.process.wait(PATIENCE)
        served._reader.join(PATIENCE)
        assert served.process.stderr is not None
        served.process.stderr.close()


class Load:
    """Clients that ask without a pause, each on connections of its own, until told to stop."""

    def __init__(self, served: Served, clients: int = 4) -> None:
        self.answers: list[dict[str, str]] = []
        self.failures: list[str] = []
        self._served = served
        self._stop = threading.Event()
        self._counted = threading.Condition()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        connection = self._served.connect()
        while not self._stop.is_set():
            try:
                answer = self._served.ask(connection=connection)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                return
            with self._counted:
                self.answers.append(answer)
                self._counted.notify_all()
        connection.close()

    def more(self, count: int) -> None:
        """Wait until ``count`` further answers have come, or a client has failed."""
        with self._counted:
            goal = len(self.answers) + count
            assert self._counted.wait_for(lambda: len(self.answers) >= goal or self.failures, PATIENCE)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.fixture
def load() -> Callable[[Served], Load]:
    """``with load(served) as clients: …``"""
    return Load
