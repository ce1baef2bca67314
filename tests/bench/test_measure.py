"""What a process used is counted with its children, and nothing else is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.bench.measure import connections_each, cpu_seconds, cpu_seconds_each, pid_listening, pss_bytes, tree
from tests.bench.processes import ROOT

BUSY = "import time\nwhile time.process_time() < 0.25: pass\nprint(flush=True)\ninput()"
HOLDS = "print(flush=True)\ninput()\nheld = bytearray(b'x' * 8 * 2**20)\nprint(flush=True)\ninput()"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.fixture
def busy_child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for a child which has used a quarter of a second and waits for its input."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        if process.poll() is None:
            process.communicate(b"\n")


def test_a_childs_time_is_its_parents(busy_child: subprocess.Popen[bytes]) -> None:
    """The child's quarter of a second is in the tree's sum, and charged to the child alone when asked one by one."""
    each = cpu_seconds_each(busy_child.pid)
    assert len(tree(busy_child.pid)) == len(each) == 2
    assert max(each, key=each.__getitem__) != busy_child.pid
    assert 0.24 <= max(each.values()) <= cpu_seconds(busy_child.pid)


def test_time_of_a_child_that_ended_is_not_lost(busy_child: subprocess.Popen[bytes]) -> None:
    """Ours includes it as soon as it was waited for."""
    before = cpu_seconds(busy_child.pid)
    ours = sum(os.times()[2:4])
    busy_child.communicate(b"\n")
    assert sum(os.times()[2:4]) - ours >= before - 0.02


def test_time_of_this_process_grows_with_its_work() -> None:
    """A tenth of a second of work is seen, to the kernel's tick."""
    before, until = cpu_seconds(os.getpid()), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert cpu_seconds(os.getpid()) - before >= 0.08


def test_memory_grows_with_what_is_held() -> None:
    """Eight megabytes written to are eight megabytes more, in a process that does nothing else meanwhile."""
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = pss_bytes(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        assert pss_bytes(process.pid) - before >= 7 * 2**20
        process.communicate(b"\n")


def test_who_listens_is_found_by_the_port() -> None:
    """The process that owns the listening socket; 0 when there is none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert pid_listening(port) == os.getpid()
    assert pid_listening(port) == 0


def test_accepted_connections_are_counted_where_they_are_held() -> None:
    """Two clients on one listener: two, and the listener itself is none; other ends in the same process do not count."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), socket.create_connection(address):
            accepted = [listener.accept()[0] for _ in range(2)]
            assert connections_each(os.getpid(), address[1])[os.getpid()] == 2
        for sock in accepted:
            sock.close()


def test_what_was_measured_is_recorded() -> None:
    """The machine's facts tell whether llmgate ran with its C: without it when that was asked for."""
    script = "from tests.bench.machine import facts; print(facts()['llmgate'])"
    command = [sys.executable, "-c", script]
    told = subprocess.check_output(command, cwd=ROOT, text=True, env={**os.environ, "LLMGATE_PURE": "1"})
    assert told == "pure Python\n"
