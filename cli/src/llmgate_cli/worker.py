"""A worker: what a forked child of the master does until it ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

import click
from attrs import frozen

from .listening import join
from .output import config_errors
from .process import Process, build, start_errors

if TYPE_CHECKING:
    from llmgate_core.config import Config

logger: Final = logging.getLogger("llmgate")


@frozen
class Pipes:
    """``told``: a worker writes its number when it serves. ``lifeline``: never written to; it ends with the master."""

    told: tuple[int, int]
    lifeline: tuple[int, int]

    @classmethod
    def new(cls) -> Pipes:
        """Both, open."""
        return cls(os.pipe(), os.pipe())


def become_worker(
    config: Config, read: Callable[[], Config], reserved: socket.socket, pipes: Pipes, number: int
) -> NoReturn:
    """Turn this freshly forked process, in which the master's signals are blocked, into a worker; never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the master says what it means
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.close(pipes.told[0])
        os.close(pipes.lifeline[1])
        code = _work(config, read, reserved, pipes, number)
    except BaseException:
        logger.exception("worker %d failed", number)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _work(config: Config, read: Callable[[], Config], reserved: socket.socket, pipes: Pipes, number: int) -> int:
    def ready() -> None:
        os.write(pipes.told[1], b"%d\n" % number)

    try:
        with config_errors(), start_errors():
            Process(build(config), read, ready=ready, lifeline=pipes.lifeline[0]).run(join(reserved))
    except click.ClickException as failure:
        failure.show()
        return failure.exit_code
    return 0
