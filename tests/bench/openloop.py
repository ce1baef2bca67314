"""Open-loop load for latency: requests leave at a fixed rate, whether or not earlier ones were answered.

A process of its own (``python -m tests.bench.openloop < job.json > result.json``), one loop without asyncio. A request's latency
counts from the moment it was due, not from when it was sent, so that a gateway that stalls is charged for every request that had
to wait. A pool of kept-alive connections grows as needed.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import deque
from typing import Any, Final

from attrs import asdict, define, field

from .processes import HOST

MOST_WAITING: Final = 500
"""More unanswered requests than this, and the rate is too high for what is asked."""


@define
class Latencies:
    """Seconds of every request that was answered with 2xx; ``failed`` counts the others. ``kept_up`` is False when it gave up."""

    seconds: list[float] = field(factory=list)
    failed: int = 0
    kept_up: bool = True


class Line:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection((HOST, port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = bytearray()
        self.due = 0.0

    def fileno(self) -> int:
        """For select."""
        return self._sock.fileno()

    def ask(self, request: bytes, due: float) -> None:
        """Send."""
        self.due = due
        self._sock.sendall(request)

    def read(self) -> int:
        """The status once the answer is whole, 0 before. Raises ConnectionError when the server closes."""
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionResetError
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end:
            return 0
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        whole = len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")
        if not whole:
            return 0
        self._got.clear()
        return int(head[9:12])

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


class Run:
    """``count`` requests, ``rate`` per second, the first ``warm`` seconds not counted."""

    def __init__(self, port: int, request: bytes, rate: float, seconds: float, warm: float) -> None:
        self._port, self._request = port, request
        self._gap = 1 / rate
        self._counted_from = warm - self._gap / 2
        self._count = int(rate * (seconds + warm))
        self._idle: deque[Line] = deque()
        self._waiting: dict[int, Line] = {}
        self._result = Latencies()

    def go(self) -> Latencies:
        """Send all of them and wait at most five seconds for the last answers."""
        began = time.perf_counter()
        for number in range(self._count):
            due = began + number * self._gap
            while (left := due - time.perf_counter()) > 0:
                self._read(left, began)
            self._read(0, began)
            if len(self._waiting) >= MOST_WAITING:
                self._result.kept_up = False
                return self._result
            self._ask(due)
        until = time.perf_counter() + 5
        while self._waiting and (left := until - time.perf_counter()) > 0:
            self._read(left, began)
        self._result.failed += len(self._waiting)
        return self._result

    def close(self) -> None:
        """Hang up all connections."""
        for line in (*self._idle, *self._waiting.values()):
            line.close()

    def _ask(self, due: float) -> None:
        line = self._idle.pop() if self._idle else Line(self._port)
        try:
            line.ask(self._request, due)
        except ConnectionError:
            line.close()
            line = Line(self._port)
            line.ask(self._request, due)
        self._waiting[line.fileno()] = line

    def _read(self, wait: float, began: float) -> None:
        # select(2) waits to the microsecond, epoll through Python only to the millisecond
        ready, _, _ = select.select(list(self._waiting), (), (), wait)
        now = time.perf_counter()
        for number in ready:
            line = self._waiting[number]
            try:
                status = line.read()
            except ConnectionError:
                del self._waiting[number]
                line.close()
                self._result.failed += 1
                continue
            if not status:
                continue
            del self._waiting[number]
            self._idle.append(line)
            if not 200 <= status < 300:
                self._result.failed += 1
            elif line.due - began >= self._counted_from:
                self._result.seconds.append(now - line.due)


def request_bytes(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """One request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: bench", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def percentile(values: list[float], rank: float) -> float:
    """The value that `rank` percent of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * rank / 100))] if ordered else 0.0


def main() -> None:
    """Read the job, run it, write percentiles."""
    job: dict[str, Any] = json.load(sys.stdin)
    request = request_bytes(job["path"], job["headers"], job["body"].encode())
    latencies = Run(job["port"], request, job["rate"], job["seconds"], job["warm"]).go()
    result = asdict(latencies)
    seconds = result.pop("seconds")
    result |= {"answered": len(seconds), "p50": percentile(seconds, 50), "p99": percentile(seconds, 99)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
