"""The open-loop load and the mock for streams, against each other and against real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import openloop
from tests.bench.openloop import Run, percentile, request_bytes
from tests.bench.processes import HOST, ROOT, Failed, Program, free_port
from tests.bench.streams import FRAMES, frames

REQUEST = request_bytes("/v1/chat/completions", {"content-type": "application/json"}, b"{}")


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[int]:
    """The port of a running mock for streams."""
    import sys

    port = free_port()
    command = [sys.executable, "-m", "tests.bench.streams", str(port)]
    program = Program("streams", command, tmp_path / "log", port, cwd=ROOT)
    yield port
    program.stop()


@pytest.fixture
def answering() -> Iterator[tuple[int, list[bytes]]]:
    """A server for one connection after another that gives each request the next answer of a list; the last one stays."""
    answers = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:  # the test is over
                    return
                with sock:
                    while sock.recv(65536):
                        sock.sendall(answers.pop(0) if len(answers) > 1 else answers[0])

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], answers
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_stream_has_its_frames_and_the_connection_stays(streams: int) -> None:
    """51 events, the last one [DONE], twice over one connection."""
    expected = b"".join(frames())
    with socket.create_connection((HOST, streams)) as sock, sock.makefile("rb") as reader:
        for _ in range(2):
            sock.sendall(REQUEST)
            got = reader.read(len(expected))
            assert got == expected
    assert expected.count(b"data: ") == FRAMES
    assert expected.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_a_client_that_leaves_does_not_disturb_the_others(streams: int) -> None:
    """Another stream, begun while the first was cut off, comes whole."""
    with socket.create_connection((HOST, streams)) as leaving:
        leaving.sendall(REQUEST)
        leaving.recv(10)
    with socket.create_connection((HOST, streams)) as sock, sock.makefile("rb") as reader:
        sock.sendall(REQUEST)
        assert len(reader.read(len(b"".join(frames())))) == len(b"".join(frames()))


def test_open_loop_counts_what_was_answered(answering: tuple[int, list[bytes]]) -> None:
    """Each request is answered over one kept-alive connection; those of the warm-up are not counted."""
    run = Run(answering[0], REQUEST, rate=100, seconds=0.2, warm=0.1)
    latencies = run.go()
    run.close()
    assert (len(latencies.seconds), latencies.failed, latencies.kept_up) == (20, 0, True)
    assert min(latencies.seconds) > 0


def test_open_loop_counts_what_failed(answering: tuple[int, list[bytes]]) -> None:
    """An answer that is not 2xx has no latency, only a place among the failures."""
    answering[1].insert(0, b"HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n")
    run = Run(answering[0], REQUEST, rate=100, seconds=0.1, warm=0)
    latencies = run.go()
    run.close()
    assert (len(latencies.seconds), latencies.failed) == (9, 1)


def test_open_loop_gives_up_on_one_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unanswered requests do not pile up without end."""
    monkeypatch.setattr(openloop, "MOST_WAITING", 5)
    with socket.create_server((HOST, 0)) as silent:
        run = Run(silent.getsockname()[1], REQUEST, rate=1000, seconds=1, warm=0)
        assert run.go().kept_up is False
        run.close()


def test_percentiles() -> None:
    """By rank, of none 0."""
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile([], 50)) == (51.0, 100.0, 0.0)


def test_a_program_that_ends_at_once_says_why(tmp_path: Path) -> None:
    """The end of its output is in the error."""
    with pytest.raises(Failed, match="no such config"):
        Program("broken", ["sh", "-c", "echo no such config; exit 1"], tmp_path / "log", free_port())
