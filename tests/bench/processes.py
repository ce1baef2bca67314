"""Programs that run beside the benchmark: started on a core of their own, waited for, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PACKAGES = {"wrk": "wrk", "haproxy": "haproxy", "nginx": "nginx-light", "taskset": "util-linux"}
"""Programs the benchmark needs, each with the Debian package that has it."""


class Failed(Exception):
    """The benchmark cannot go on; the text says why and what to do."""


def missing_packages(programs: Sequence[str] = tuple(PACKAGES)) -> list[str]:
    """Debian packages of the programs that are not installed."""
    return [PACKAGES[name] for name in programs if find(name) is None]


def find(program: str) -> str | None:
    """The program's path. Servers of Debian are in /usr/sbin, which a user's PATH may lack."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def free_port() -> int:
    """A TCP port that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def on_core(core: int | None, command: Sequence[str | Path]) -> list[str]:
    """The command, bound to one core; as it is when `core` is None or cannot be chosen here."""
    taskset = find("taskset")
    words = [str(word) for word in command]
    return words if core is None or taskset is None else [taskset, "-c", str(core), *words]


class Program:
    """A server process. Its output goes to `log`; `ready` is the port that it will listen on."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        ready: int,
        *,
        core: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        patience: float = 20.0,
    ) -> None:
        self.name = name
        self.log = log
        began = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                on_core(core, command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd
            )
        self.pid = self._process.pid
        try:
            self._wait_until_listening(ready, began + patience)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - began
        """From exec to the first connection that was accepted."""

    def _wait_until_listening(self, port: int, until: float) -> None:
        while time.perf_counter() < until:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.002)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        raise Failed(f"{self.name} does not listen on port {port}; the end of {self.log}:\n{tail}")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what has not ended after five seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not end on SIGTERM: killed", file=sys.stderr)
                self._process.kill()
                self._process.wait()


def cores() -> tuple[int | None, int | None]:
    """A core for what is measured and another for the load and the upstream; (None, None) when there is only one."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)
