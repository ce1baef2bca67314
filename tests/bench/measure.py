"""What a process and its children have used, as the kernel counts it in /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

ESTABLISHED: Final = "01"
LISTENING: Final = "0A"
"""The kernel's numbers for a TCP socket's state."""


def tree(pid: int) -> list[int]:
    """The process and its descendants that live now."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, its descendants, and children that ended and were waited for."""
    ticks = 0
    for member in tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile: its parent has its time
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def cpu_seconds_each(pid: int) -> dict[int, float]:
    """The same, for each living process of the tree alone."""
    seconds = {}
    for member in tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        seconds[member] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def pss_bytes(pid: int) -> int:
    """Proportional set size of the tree: private pages, and of each shared page the share."""
    total = 0
    for member in tree(pid):
        try:
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found[1]) * 1024 if found else 0
    return total


def connections_each(pid: int, port: int) -> dict[int, int]:
    """How many accepted connections on this port each living process of the tree holds."""
    sockets = _sockets(port, ESTABLISHED)
    return {member: len(sockets & _open_sockets(Path(f"/proc/{member}/fd"))) for member in tree(pid)}


def pid_listening(port: int) -> int:
    """The process that listens on this TCP port, among those whose files we may look at; 0 when there is none."""
    sockets = _sockets(port, LISTENING)
    for folder in sorted(Path("/proc").glob("[0-9]*/fd"), key=lambda path: int(path.parts[2])):
        if sockets & _open_sockets(folder):
            return int(folder.parts[2])
    return 0


def _sockets(port: int, state: str) -> set[str]:
    """Sockets with this local port, as `/proc` names them among a process's files."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _open_sockets(folder: Path) -> set[str]:
    found = set()
    try:
        for entry in folder.iterdir():
            found.add(str(entry.readlink()))
    except OSError:  # another user's, or ended or closed meanwhile
        return found
    return found
