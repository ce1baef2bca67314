"""``llmgate serve --workers N``: a master that never serves, and N processes that do.

The master reserves the address, forks the workers (each binds a socket of its own there; the kernel shares connections out),
starts crashed ones again, and hands signals on. SIGHUP goes through it: a configuration with mistakes reaches no worker.
"""

from __future__ import annotations

import gc
import importlib
import logging
import math
import os
import select
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
from attrs import define

from .listening import address_of, can_share, reserve
from .output import ConfigFailure
from .process import HEARD, build, loop_factory, reload_failures
from .worker import Pipes, become_worker

if TYPE_CHECKING:
    from llmgate_core.config import Config
    from llmgate_core.gateway import Gateway

    from .rereading import Rereading

logger: Final = logging.getLogger("llmgate")
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
WATCHED: Final = (*HEARD, signal.SIGCHLD)
SHORT_LIFE: Final = 60.0
"""Seconds; a worker that lived longer did not fail at its start."""
LONGEST_WAIT: Final = 30.0
AFTER_GRACE: Final = 10.0
"""Seconds a worker has, after its grace, to close what is open."""


@define
class Slot:
    """The place of one worker, whoever fills it. ``due`` is when to fill it (monotonic), ``failures`` counts short lives."""

    number: int
    pid: int = 0
    began: float = 0.0
    due: float = 0.0
    failures: int = 0
    ready: bool = False


def serve_with_workers(config: Config, again: Rereading, count: int) -> int:
    """Serve with ``count`` workers until told to stop; the exit code. Raises :class:`ConfigFailure` and :class:`ConfigError`."""
    if not can_share():
        raise ConfigFailure("--workers needs Linux: elsewhere no kernel shares connections out among processes")
    with metrics_folder(), reserve(config.gateway.host, config.gateway.port) as reserved:
        return Master(config, again, reserved, count).run()


@contextmanager
def metrics_folder() -> Iterator[None]:
    """A folder in which workers add up their numbers, for as long as the master lives; one that is set already stays."""
    if METRICS_FOLDER in os.environ:
        yield
        return
    folder = tempfile.mkdtemp(prefix="llmgate-metrics-")
    os.environ[METRICS_FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[METRICS_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def share_imports(gateway: Gateway) -> None:
    """Load here what every worker needs: it is read once, and its memory is shared as long as nobody writes to it."""
    importlib.import_module("llmgate_core.wire.server")
    for dialect in gateway.registry.dialects.values():
        dialect.prepare()
    loop_factory()
    gc.freeze()
    gc.enable()


class Master:
    """Starts, watches and ends the workers. Synchronous and single-threaded, so that it may fork at any time."""

    def __init__(self, config: Config, again: Rereading, reserved: socket.socket, count: int) -> None:
        self._config = config
        self._again = again
        self._reserved = reserved
        self._slots = [Slot(number) for number in range(1, count + 1)]
        self._pipes = Pipes.new()
        self._wakeup = socket.socketpair()
        self._banner = ""
        self._stop_by = math.inf
        self._stopping = False
        self._exit_code = 0

    def run(self) -> int:
        """Until all workers have ended. Raises :class:`ConfigError` before the first one is started."""
        from .banner import banner

        where = address_of(self._reserved)
        gateway = build(self._config)
        self._banner = banner(gateway, *where, workers=len(self._slots))
        share_imports(gateway)
        self._hear()
        while not self._stopping or any(slot.pid for slot in self._slots):
            self._fill()
            for number in self._wait():
                self._obey(number)
            self._bury()
        return self._exit_code

    def _hear(self) -> None:
        """A signal's number becomes a byte in a socket: nothing happens between two lines of ours."""
        for end in self._wakeup:
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup[1].fileno(), warn_on_full_buffer=False)
        for number in WATCHED:
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)

    def _wait(self) -> bytes:
        """Sleep until there is something to do; the signals that came."""
        moments = [slot.due for slot in self._slots if not slot.pid and not self._stopping]
        until = min([self._stop_by, *moments])
        timeout = None if until == math.inf else max(0.0, until - time.monotonic())
        signals, told = self._wakeup[0].fileno(), self._pipes.told[0]
        readable, _, _ = select.select([signals, told], [], [], timeout)
        if told in readable:
            self._note_ready(os.read(told, 4096).split())
        return os.read(signals, 4096) if signals in readable else b""

    def _note_ready(self, numbers: list[bytes]) -> None:
        for slot in self._slots:
            slot.ready = slot.ready or str(slot.number).encode() in numbers
        if self._banner and all(slot.ready for slot in self._slots):
            click.echo(self._banner, err=True)
            self._banner = ""

    def _obey(self, number: int) -> None:
        if number == signal.SIGHUP and not self._stopping:
            self._reload()
        elif number in {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT} and not self._stopping:
            self._stop()
        elif number in {signal.SIGINT, signal.SIGQUIT}:
            self._tell(signal.SIGQUIT)

    def _stop(self) -> None:
        self._stopping = True
        self._stop_by = time.monotonic() + self._config.gateway.grace + AFTER_GRACE
        self._tell(signal.SIGTERM)

    def _reload(self) -> None:
        with reload_failures():
            config = self._again()
            build(config)
            self._config = config
            self._tell(signal.SIGHUP)

    def _tell(self, number: int) -> None:
        for slot in self._slots:
            if slot.pid:
                os.kill(slot.pid, number)

    def _fill(self) -> None:
        """Start a worker in every empty place whose time has come; the first one alone, to see whether it can be."""
        first = self._slots[0]
        for slot in self._slots if first.ready or not self._banner else [first]:
            if not slot.pid and not self._stopping and slot.due <= time.monotonic():
                slot.began, slot.ready = time.monotonic(), False
                signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
                slot.pid = os.fork()
                if not slot.pid:
                    for end in self._wakeup:
                        end.close()
                    become_worker(self._config, self._again.read, self._reserved, self._pipes, slot.number)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)

    def _bury(self) -> None:
        """See which workers have ended; kill those that do not in time."""
        late = self._stopping and time.monotonic() >= self._stop_by
        for slot in self._slots:
            if slot.pid and late:
                logger.error("worker %d (pid %d) does not end; it is killed", slot.number, slot.pid)
                os.kill(slot.pid, signal.SIGKILL)
                self._stop_by = math.inf
            if slot.pid:
                pid, status = os.waitpid(slot.pid, os.WNOHANG)
                if pid:
                    self._ended(slot, os.waitstatus_to_exitcode(status))

    def _ended(self, slot: Slot, code: int) -> None:
        pid, slot.pid = slot.pid, 0
        now = time.monotonic()
        if self._stopping:
            return
        if self._banner:  # the first start failed, and said why: the next one would too
            self._exit_code = code if code > 0 else 1
            self._stop()
            return
        slot.failures = 0 if now - slot.began > SHORT_LIFE else slot.failures + 1
        wait = min(LONGEST_WAIT, 0.1 * 2 ** (slot.failures - 1)) if slot.failures else 0.0
        slot.due = now + wait
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        logger.warning("worker %d (pid %d) ended %s; another one starts in %.1f s", slot.number, pid, how, wait)
