"""Files that rotate, pipes that take whole lines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_access_log.outputs import RotatingFile, StandardOutput, pieces

LINE = b"x" * 99 + b"\n"
WRITER = """
import sys
from pathlib import Path
from llmgate_access_log.outputs import RotatingFile
output = RotatingFile(Path(sys.argv[1]), 20_000, 100)
for number in range(300):
    output.write(b"".join(b"%s-%05d-%s\\n" % (sys.argv[2].encode(), number * 5 + n, b"x" * 40) for n in range(5)))
output.close()
"""


def test_full_file_moves_aside(tmp_path: Path) -> None:
    """No file is larger than allowed, the newest lines are in the file itself, and the oldest files go."""
    path = tmp_path / "access.log"
    output = RotatingFile(path, 4096, 2)
    for number in range(200):
        output.write(b"%03d" % number + LINE)
    output.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["access.log", "access.log.1", "access.log.2"]
    assert all(file.stat().st_size <= 4096 for file in files)
    kept = [int(line[:3]) for file in reversed(files) for line in file.read_bytes().splitlines()]
    assert kept == list(range(kept[0], 200))


def test_without_backups_the_file_begins_anew(tmp_path: Path) -> None:
    """Nothing is kept but the newest lines."""
    output = RotatingFile(tmp_path / "access.log", 4096, 0)
    output.write(LINE * 100)
    output.close()
    assert [file.name for file in tmp_path.iterdir()] == ["access.log"]
    assert (tmp_path / "access.log").stat().st_size == 2000


def test_existing_lines_are_kept(tmp_path: Path) -> None:
    """A restart appends, and only the owner's group may read along."""
    path = tmp_path / "access.log"
    path.write_bytes(b"old\n")
    output = RotatingFile(path, 4096, 1)
    output.write(b"new\n")
    output.close()
    assert path.read_bytes() == b"old\nnew\n"
    fresh = RotatingFile(tmp_path / "fresh.log", 4096, 1)
    fresh.close()
    assert (tmp_path / "fresh.log").stat().st_mode & 0o007 == 0


def test_rotation_from_outside_is_followed(tmp_path: Path) -> None:
    """When another program moves or deletes the file, a new one is begun under its name."""
    path = tmp_path / "access.log"
    output = RotatingFile(path, 4096, 1)
    output.write(b"one\n")
    path.rename(tmp_path / "moved")
    output.write(b"two\n")
    path.unlink()
    output.write(b"three\n")
    output.close()
    assert (tmp_path / "moved").read_bytes() == b"one\n"
    assert path.read_bytes() == b"three\n"


def test_processes_share_a_file(tmp_path: Path) -> None:
    """Two processes that write and rotate at once lose no line and tear none."""
    path = tmp_path / "access.log"
    workers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in ("a", "b")]
    assert [worker.wait() for worker in workers] == [0, 0]
    lines = [line for file in tmp_path.iterdir() for line in file.read_bytes().splitlines()]
    wanted = [b"%s-%05d-%s" % (name, number, b"x" * 40) for name in (b"a", b"b") for number in range(1500)]
    assert sorted(lines) == wanted
    assert len(list(tmp_path.iterdir())) > 2


def test_pipe_gets_everything_also_when_it_is_full(tmp_path: Path) -> None:
    """A non-blocking pipe that fills up only slows the writer down."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    lines = LINE * 10_000
    thread = threading.Thread(target=StandardOutput(writer).write, args=(lines,))
    thread.start()
    received = b""
    while len(received) < len(lines):
        received += os.read(reader, 100_000)
    thread.join()
    os.close(reader)
    os.close(writer)
    assert received == lines


def test_closed_output_is_an_error() -> None:
    """Writing to nobody raises, so that it can be counted."""
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        StandardOutput(writer).write(LINE)
    os.close(writer)


@given(st.lists(st.integers(0, 30)), st.integers(1, 40))
def test_pieces_are_whole_lines(lengths: list[int], most: int) -> None:
    """Joined they are the whole; each ends a line; none is too long unless its one line is."""
    lines = b"".join(b"y" * length + b"\n" for length in lengths)
    found = list(pieces(lines, most))
    assert b"".join(found) == lines
    assert all(piece.endswith(b"\n") for piece in found)
    assert all(len(piece) <= most or piece.count(b"\n") == 1 for piece in found)
