"""``llmgate serve --workers N``: a master that looks after the processes that serve."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GREETING = "[plugins.toy]\ngreeting = {!r}\n"


def answers_until(
    served: Any, enough: Callable[[list[dict[str, str]]], bool], *, killed: bool = False
) -> list[dict[str, str]]:
    """Ask on new connections, which the kernel shares out, until the answers are enough.

    When a worker was ``killed``, a connection that had waited for it is reset: so it is with any program that is killed.
    """
    answers: list[dict[str, str]] = []
    for _ in range(2000):
        if enough(answers):
            return answers
        try:
            answers.append(served.ask())
        except (ConnectionError, http.client.RemoteDisconnected):
            assert killed
    pytest.fail(f"the last answers were {answers[-3:]}")


def pids(answers: list[dict[str, str]]) -> set[int]:
    """Who answered."""
    return {int(answer["x-pid"]) for answer in answers}


def gone(pid: int) -> bool:
    """Whether a process has ended; waits for it."""
    for _ in range(3000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_workers_share_the_port(toys: Any, serve: Callable[..., Any]) -> None:
    """Both answer, neither is the master, and SIGTERM ends them all."""
    served = serve(toys.config(), "--workers", "2")
    served.wait_for("with 2 workers")
    answers = answers_until(served, lambda answers: len(pids(answers)) == 2)
    assert served.process.pid not in pids(answers)
    served.signal(signal.SIGTERM)
    assert served.end() == 0
    assert all(gone(pid) for pid in pids(answers))


def test_metrics_folder_is_shared_and_removed(toys: Any, serve: Callable[..., Any], tmp_path: Path) -> None:
    """All workers are told one folder to add up their numbers in; it goes when they go. One that is set stays."""
    served = serve(toys.config(), "--workers", "2")
    answers = answers_until(served, lambda answers: len(pids(answers)) == 2)
    (folder,) = {Path(answer["x-metrics"]) for answer in answers}
    assert folder.is_dir()
    served.signal(signal.SIGTERM)
    assert served.end() == 0
    assert not folder.exists()
    served = serve(toys.config(), "--workers", "2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert served.ask()["x-metrics"] == str(tmp_path)
    served.signal(signal.SIGTERM)
    assert served.end() == 0
    assert tmp_path.is_dir()


def test_crashed_worker_is_replaced(toys: Any, serve: Callable[..., Any]) -> None:
    """Another one takes the place of a worker that was killed, and the log says so."""
    served = serve(toys.config(), "--workers", "2")
    before = pids(answers_until(served, lambda answers: len(pids(answers)) == 2))
    os.kill(min(before), signal.SIGKILL)
    served.wait_for(r"worker \d \(pid \d+\) ended by signal 9; another one starts in 0\.\d s")
    answers_until(served, lambda answers: len(pids(answers) - {min(before)}) == 2, killed=True)


def test_reload_reaches_every_worker(toys: Any, serve: Callable[..., Any], load: Callable[..., Any]) -> None:
    """A new configuration is taken by all of them, and no request fails meanwhile."""
    served = serve(toys.config(GREETING.format("old")), "--workers", "2")
    with load(served) as clients:
        clients.more(50)
        toys.config(GREETING.format("new"))
        served.signal(signal.SIGHUP)
        served.wait_for("reloaded", times=2)
        clients.more(50)
    assert clients.failures == []
    assert {answer["status"] for answer in clients.answers} == {"200"}
    after = answers_until(served, lambda answers: len(pids(answers)) == 2)
    assert {answer["x-greeting"] for answer in after} == {"new"}


def test_bad_config_reaches_no_worker(toys: Any, serve: Callable[..., Any]) -> None:
    """The master finds the mistakes, tells them once, and the workers never hear of it; nor does one that starts later."""
    served = serve(toys.config(GREETING.format("old")), "--workers", "2")
    before = pids(answers_until(served, lambda answers: len(pids(answers)) == 2))
    toys.config("[plugins.toy]\ngreting = 'new'\n")
    served.signal(signal.SIGHUP)
    served.wait_for(rf"ERROR \[{served.process.pid}\] kept the old configuration: .*greting: is not known")
    os.kill(min(before), signal.SIGKILL)
    answers = answers_until(served, lambda answers: len(pids(answers) - {min(before)}) == 2, killed=True)
    assert {answer["x-greeting"] for answer in answers} == {"old"}
    assert served.text.count("kept the old configuration") == 1


def test_workers_do_not_outlive_their_master(toys: Any, serve: Callable[..., Any]) -> None:
    """When the master is killed, so that it can tell nobody, the workers stop by themselves."""
    served = serve(toys.config(), "--workers", "2")
    workers = pids(answers_until(served, lambda answers: len(pids(answers)) == 2))
    served.signal(signal.SIGKILL)
    assert all(gone(pid) for pid in workers)


def test_bad_config_is_told_once(toys: Any, serve: Callable[..., Any]) -> None:
    """Exit code 2 and one line, as without workers."""
    served = serve(toys.config("[plugins.toy]\ngreting = 'x'\n"), "--workers", "2")
    assert served.end() == 2
    assert len(served.text.splitlines()) == 1


def test_start_that_fails_in_the_workers_ends_the_master(toys: Any, serve: Callable[..., Any]) -> None:
    """What would fail again and again is not tried again and again."""
    toys.add(
        "sick",
        """
        from contextlib import asynccontextmanager
        from llmgate_core import Plugin

        class SickPlugin(Plugin):
            @asynccontextmanager
            async def llmgate_lifespan(self, gateway):
                raise RuntimeError("no disk")
                yield
        """,
    )
    served = serve(toys.config(plugins='"toy", "sick"'), "--workers", "2")
    assert served.end() == 2
    assert served.text.count("no disk") == 1
    assert "another one starts" not in served.text
