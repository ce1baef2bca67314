"""A ``llmgate serve`` that a page started, on a port that is free."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

LISTENS_WITHIN: Final = 30.0
LISTENING: Final = re.compile(r"listening on http://[^\s:]+:(\d+)")


class Serving:
    """Listens when it is made. ``banner`` is what it said by then, ``port`` where it listens."""

    def __init__(self, options: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "llmgate_cli", "serve", *_without_port(options), "--port", "0"]
        self._told = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by stop()
        self._process = subprocess.Popen(
            command, cwd=folder, env=dict(env), stdout=subprocess.DEVNULL, stderr=self._told
        )
        give_up = time.monotonic() + LISTENS_WITHIN
        while not ((found := LISTENING.search(self.banner)) and "try it" in self.banner):
            if self._process.poll() is not None or time.monotonic() > give_up:
                told = self.banner
                self.stop()
                raise RuntimeError(f"llmgate serve does not listen:\n{told}")
            time.sleep(0.02)
        self.port = int(found[1])

    @property
    def banner(self) -> str:
        """What it said for people."""
        self._told.seek(0)
        return self._told.read()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(LISTENS_WITHIN)
        self._told.close()


def _without_port(options: Sequence[str]) -> list[str]:
    kept = list(options)
    if "--port" in kept:
        at = kept.index("--port")
        del kept[at : at + 2]
    return kept
