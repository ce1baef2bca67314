"""wrk, the closed-loop load: each connection asks again as soon as it is answered."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from .processes import Failed, find, on_core

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@frozen
class Load:
    """What one run did. Times are seconds; `failed` counts answers that were not 2xx and requests without an answer."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float


def parse(text: str) -> Load:
    """wrk's report. wrk counts an answer that is not 2xx among its requests, a socket error not."""
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b", text)
    if total is None:
        raise Failed(f"wrk's report could not be read:\n{text}")
    statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return Load(
        requests=int(total[1]),
        seconds=float(total[2]) * UNITS[total[3]],
        failed=(int(statuses[1]) if statuses else 0) + (sum(map(int, sockets.groups())) if sockets else 0),
        p50=_percentile(text, 50),
        p99=_percentile(text, 99),
    )


def _percentile(text: str, rank: int) -> float:
    found = re.search(rf"^\s+{rank}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return float(found[1]) * UNITS[found[2]] if found else 0.0


def script(headers: Mapping[str, str], body: bytes) -> str:
    """The Lua file that makes wrk post `body`."""
    lines = ['wrk.method = "POST"', f"wrk.body = {_lua(body)}"]
    lines += [f"wrk.headers[{_lua(name.encode())}] = {_lua(value.encode())}" for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def _lua(text: bytes) -> str:
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03}" for b in text) + '"'


def run(url: str, lua: Path, connections: int, seconds: float, core: int | None) -> Load:
    """One run. wrk takes whole seconds only: at least one."""
    command = [find("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    done = subprocess.run(
        on_core(core, [*command, "--timeout", "10s", "-s", lua, url]), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"wrk ended with {done.returncode}: {done.stderr or done.stdout}")
    return parse(done.stdout)
