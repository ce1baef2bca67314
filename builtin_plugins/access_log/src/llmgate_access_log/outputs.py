"""Where lines end: standard output, or a file that rotates. Used by the writer's thread alone; may block."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

PIPE_WHOLE: Final = 4096
"""Bytes that a pipe takes in one piece, so that lines of several workers do not mix (POSIX ``PIPE_BUF`` on Linux)."""
_PIECE: Final = 65536


class Output(Protocol):
    """What the writer writes to."""

    def write(self, lines: bytes) -> None:
        """Whole lines. Raises OSError."""

    def close(self) -> None:
        """Nothing comes any more."""


class StandardOutput:
    """File descriptor 1, whatever stands behind it."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor

    def write(self, lines: bytes) -> None:
        """A pipe's reader sees whole lines, also when several processes write (lines of up to 4 KiB)."""
        for piece in pieces(lines, PIPE_WHOLE):
            write_all(self._descriptor, piece)

    def close(self) -> None:
        """Standard output is not ours to close."""


class RotatingFile:
    """Appends to ``path``; before it would grow beyond ``max_bytes`` it becomes ``path.1``, and ``path.1`` becomes ``path.2`` …

    Several processes may write to one file: each piece is appended in one call, the one that rotates holds a lock, and the
    others notice that the path leads to another file. So does a rotation from outside (logrotate).
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._descriptor = self._open()

    def write(self, lines: bytes) -> None:
        """Whole lines, split over files where one is full."""
        for piece in pieces(lines, min(_PIECE, self._max_bytes)):
            if self._moved():
                self._reopen()
            size = os.fstat(self._descriptor).st_size
            if size and size + len(piece) > self._max_bytes:
                self._rotate()
            write_all(self._descriptor, piece)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _reopen(self) -> None:
        descriptor = self._open()
        os.close(self._descriptor)
        self._descriptor = descriptor

    def _moved(self) -> bool:
        """Whether the path leads to another file than the one that is open, or to none."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        mine = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)

    def _rotate(self) -> None:
        lock(self._descriptor)  # given back when the file is closed
        if not self._moved():
            if self._backups:
                for number in range(self._backups - 1, 0, -1):
                    if self._numbered(number).exists():
                        self._numbered(number).replace(self._numbered(number + 1))
                self._path.replace(self._numbered(1))
            else:
                self._path.unlink()
        self._reopen()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def pieces(lines: bytes, most: int) -> Iterator[bytes]:
    """``lines`` in pieces of whole lines, none above ``most`` bytes unless a single line is."""
    start = 0
    while len(lines) - start > most:
        end = lines.rfind(b"\n", start, start + most) + 1
        if end <= start:
            end = lines.find(b"\n", start) + 1 or len(lines)
        yield lines[start:end]
        start = end
    if start < len(lines):
        yield lines[start:]


def write_all(descriptor: int, data: bytes) -> None:
    """Everything, however little the system takes at a time. Raises OSError."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # somebody made the terminal or pipe non-blocking
            select.select([], [descriptor], [])


def lock(descriptor: int) -> None:
    """Wait until no other process rotates this file."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
