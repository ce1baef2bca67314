"""One measurement of one contestant in one round, and how each kind is taken."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from attrs import frozen

from . import wrk
from .contestants import Address, Contestant, Scene
from .measure import cpu_seconds, pss_bytes
from .processes import HOST, ROOT, Failed, on_core
from .workloads import UNARY, Workload

WARM_UP: Final = 1
"""Seconds of load before each measurement, not counted."""
ROUNDTRIPS: Final = 4
"""Of every connection at least so many, or what was begun before and is unfinished after would weigh too much …"""
LONGEST: Final = 15.0
"""… unless it takes longer than this, in seconds."""
LATENCY: Final = "latency"
DIRECT: Final = "direct"


@frozen
class Reading:
    """``cpu`` is microseconds of CPU per request, ``p50`` and ``p99`` seconds, ``pss`` bytes,
    ``busy`` the share of one core in use.
    """

    workload: str
    contestant: str
    round: int
    requests: int
    failed: int
    cpu: float
    rate: float
    p50: float
    p99: float
    pss: int
    busy: float
    note: str = ""


def closed_loop(scene: Scene, who: Contestant, workload: Workload, number: int, seconds: float) -> Reading:
    """CPU time per request with every connection always asking."""
    url, lua = prepare(scene, who, workload)
    connections = min(workload.connections, who.most_connections)
    warm = wrk.run(url, lua, connections, WARM_UP, scene.load_core)
    seconds = max(seconds, min(LONGEST, ROUNDTRIPS * connections * warm.seconds / max(warm.requests, 1)))
    before = cpu_seconds(who.pid)
    load = wrk.run(url, lua, connections, seconds, scene.load_core)
    spent = cpu_seconds(who.pid) - before
    note = "" if connections == workload.connections else f"on {connections} connections"
    if not load.requests:
        note = f"nothing was answered within {seconds:.0f} s"
    return Reading(
        workload=workload.name,
        contestant=who.name,
        round=number,
        requests=load.requests,
        failed=load.failed,
        cpu=spent / load.requests * 1e6 if load.requests else 0.0,
        rate=load.requests / load.seconds,
        p50=load.p50,
        p99=load.p99,
        pss=pss_bytes(who.pid),
        busy=spent / load.seconds,
        note=note,
    )


def settle(who: Contestant, patience: float = 10.0) -> None:
    """Wait until the contestant has nothing left to do: a slow one still works on what it was asked last."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        before = cpu_seconds(who.pid)
        time.sleep(0.1)
        if cpu_seconds(who.pid) - before <= 0.02:
            return


def acquaint(scene: Scene, who: Contestant, seconds: float) -> None:
    """Load that is not counted, for caches to fill and compilers to compile."""
    url, lua = prepare(scene, who, UNARY)
    wrk.run(url, lua, min(UNARY.connections, who.most_connections), seconds, scene.load_core)
    settle(who)


def prepare(scene: Scene, who: Contestant, workload: Workload) -> tuple[str, Path]:
    """The URL and the Lua file for wrk."""
    address = address_of(who, workload)
    lua = scene.folder / f"{who.name}-{workload.name}.lua"
    lua.write_text(wrk.script({**workload.headers, **address.headers}, workload.body(address.model)))
    return f"http://{HOST}:{address.port}{address.path_for(workload)}", lua


def address_of(who: Contestant, workload: Workload) -> Address:
    """Where to ask; only for what :func:`problem` found no fault with."""
    address = who.address(workload.kind)
    if address is None:
        raise Failed(f"{who.name} cannot be asked for {workload.name}")
    return address


def open_loop(scene: Scene, who: Contestant | None, number: int, seconds: float, rate: float) -> Reading:
    """Latency at a fixed rate, through a contestant, or (None) straight from the upstream."""
    workload = UNARY
    direct = Address(scene.upstream.ports[workload.kind], "gpt-4o-mini", {})
    address = direct if who is None else address_of(who, workload)
    job = {
        "port": address.port,
        "path": address.path_for(workload),
        "headers": {**workload.headers, **address.headers},
        "body": workload.body(address.model).decode(),
        "rate": rate,
        "seconds": seconds,
        "warm": WARM_UP,
    }
    before = cpu_seconds(who.pid) if who else 0.0
    done = subprocess.run(
        on_core(scene.load_core, [sys.executable, "-m", "tests.bench.openloop"]),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise Failed(f"the open-loop load ended with {done.returncode}:\n{done.stderr}")
    result = json.loads(done.stdout)
    spent = cpu_seconds(who.pid) - before if who else 0.0
    sent = rate * (seconds + WARM_UP)
    return Reading(
        workload=LATENCY,
        contestant=who.name if who else DIRECT,
        round=number,
        requests=result["answered"],
        failed=result["failed"],
        cpu=spent / sent * 1e6,
        rate=rate,
        p50=result["p50"],
        p99=result["p99"],
        pss=pss_bytes(who.pid) if who else 0,
        busy=spent / (seconds + WARM_UP),
        note="" if result["kept_up"] else f"did not keep up at {rate:.0f}/s",
    )


def problem(who: Contestant, workload: Workload) -> str:
    """Why this workload cannot be asked of this contestant; empty when one request is answered as it should be."""
    address = who.address(workload.kind)
    if address is None:
        return "its recipe has no model for this"
    connection = http.client.HTTPConnection(HOST, address.port, timeout=60)
    try:
        headers = {**workload.headers, **address.headers}
        connection.request("POST", address.path_for(workload), workload.body(address.model), headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    if answer.status == 200 and '"usage"' in text and workload.looks_right(text):
        return ""
    return f"answered {answer.status}: {' '.join(text.split())[:200]}"
