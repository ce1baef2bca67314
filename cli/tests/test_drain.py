"""The end of a gateway: what is in flight is finished, what is new is not begun."""

from __future__ import annotations

import http.client
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A folder where the slow model says that it was reached, and waits to be let through."""
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


class Slow:
    """A request in flight: ``answer`` or ``error``, once it is over."""

    def __init__(self, served: Any, gate: Path) -> None:
        self.answer: dict[str, str] = {}
        self.error: Exception | None = None
        self._served = served
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        while not (gate / "reached").exists():
            assert self._thread.is_alive(), self.error

    def _ask(self) -> None:
        try:
            self.answer = self._served.ask("parrot/slow")
        except (OSError, http.client.HTTPException) as error:
            self.error = error

    def over(self) -> bool:
        """Whether it has come to an end; waits for it."""
        self._thread.join(120)
        return not self._thread.is_alive()


@pytest.fixture(params=[(), ("--workers", "2")], ids=["alone", "workers"])
def served(toys: Any, serve: Callable[..., Any], gate: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A gateway whose slow model waits at the gate; one process, or a master with two."""
    yield serve(toys.config(f"grace = 25.0\n[plugins.toy]\ngate = '{gate}'\n"), *request.param)
    (gate / "open").touch()


def test_request_in_flight_is_finished(served: Any, gate: Path) -> None:
    """After SIGTERM nobody gets in, but who was in is answered; then the exit code is 0."""
    port = served.port
    slow = Slow(served, gate)
    served.signal(signal.SIGTERM)
    served.wait_for("stopping: requests in flight")
    closed = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with pytest.raises(ConnectionRefusedError):
        wait_until_refused(closed)
    (gate / "open").touch()
    assert slow.over()
    assert slow.answer["status"] == "200"
    assert served.end() == 0


def wait_until_refused(connection: http.client.HTTPConnection) -> None:
    """Connect until nobody listens any more (with workers, the one without work may be last)."""
    while True:
        try:
            connection.connect()
        except ConnectionResetError:
            continue  # it was in the queue of a listener that closed just now
        finally:
            connection.close()


def test_second_interrupt_ends_at_once(served: Any, gate: Path) -> None:
    """SIGINT twice does not wait for the request in flight, and is no error of the gateway's either."""
    slow = Slow(served, gate)
    served.signal(signal.SIGINT)
    served.wait_for("stopping: requests in flight")
    served.signal(signal.SIGINT)
    assert served.end() == 0
    assert slow.over()
    assert slow.answer.get("status") != "200"


def test_reload_during_the_end_is_ignored(served: Any, gate: Path) -> None:
    """SIGHUP while draining changes nothing."""
    slow = Slow(served, gate)
    served.signal(signal.SIGTERM)
    served.wait_for("stopping: requests in flight")
    served.signal(signal.SIGHUP)
    (gate / "open").touch()
    assert slow.over()
    assert slow.answer["status"] == "200"
    assert served.end() == 0
    assert "reloaded" not in served.text
