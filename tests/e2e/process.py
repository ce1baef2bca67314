"""A real ``llmgate serve`` process on a free port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

STARTS_WITHIN, STOPS_WITHIN = 30.0, 20.0
LISTENING = re.compile(r"listening on (http://\S+)")


class GatewayProcess:
    """``config`` is the text of a config file. The environment is this one without any provider's key, plus ``env``.

    As a context manager it listens inside the block, and is stopped with SIGTERM behind it.
    """

    def __init__(
        self, folder: Path, config: str, env: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config_file = folder / "llmgate.toml"
        self.config_file.write_text(config)
        self._stdout = folder / "stdout"
        self._stderr = folder / "stderr"
        self._env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")} | dict(
            env or {}
        )
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The child; raises RuntimeError before it is started."""
        if self._process is None:
            raise RuntimeError("the gateway was not started")
        return self._process

    @property
    def stdout(self) -> str:
        """What it wrote for programs, so far."""
        return self._stdout.read_text()

    @property
    def stderr(self) -> str:
        """What it wrote for people, so far."""
        return self._stderr.read_text()

    def start(self) -> Self:
        """Start it and wait until it listens. Raises RuntimeError with its output when it does not."""
        command = [sys.executable, "-m", "llmgate_cli", "serve", "-c", str(self.config_file), "--port", "0"]
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self._process = subprocess.Popen([*command, *self._options], stdout=out, stderr=err, env=self._env)
        give_up = time.monotonic() + STARTS_WITHIN
        while not (found := LISTENING.search(self.stderr)):
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.kill()
                raise RuntimeError(f"llmgate serve does not listen:\n{self.stderr}{self.stdout}")
            time.sleep(0.02)
        self.url = found[1]
        return self

    def stop(self) -> int:
        """SIGTERM; the exit code. Raises RuntimeError when it does not end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"llmgate serve did not stop within {STOPS_WITHIN} s:\n{self.stderr}") from None

    def kill(self) -> None:
        """End it the hard way."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
