"""What is measured of llmgate alone: start, import, memory over many requests, two workers, one more plugin."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from attrs import define, field, frozen

from llmgate_core.chains import CompiledHook, Implementation, compile_hook

from . import wrk
from .contestants import Contestant, Scene
from .llmgate import LLMGate
from .measure import connections_each, cpu_seconds, pss_bytes
from .processes import Failed, on_core
from .readings import prepare
from .workloads import Workload

MANY: Final = 128
"""Connections for the workers: the kernel deals them out by chance, and few would be dealt unevenly."""


@frozen
class Workers:
    """CPU microseconds per request with one and with two workers, and how many connections each of the two was given."""

    alone: float
    together: float
    connections: list[int]
    failed: int


@define
class Figures:
    """All of it. Seconds, bytes, microseconds; one entry per round, except ``memory``: (requests so far, bytes)."""

    starts: dict[str, list[float]] = field(factory=dict)
    imports: list[float] = field(factory=list)
    workers: list[Workers] = field(factory=list)
    plugin: list[float] = field(factory=list)
    memory: list[tuple[int, int]] = field(factory=list)


def start_seconds(scene: Scene) -> float:
    """From exec of `llmgate serve` to its first accepted connection."""
    started = LLMGate(scene)
    started.stop()
    return started.start_seconds


def import_seconds(scene: Scene) -> float:
    """`import llmgate_core` in a fresh interpreter, without the interpreter's own start."""
    code = "import time; t = time.perf_counter(); import llmgate_core; print(time.perf_counter() - t)"
    command = on_core(scene.gateway_core, [sys.executable, "-c", code])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"llmgate_core could not be imported:\n{done.stderr}")
    return float(done.stdout)


def two_workers(scene: Scene, workload: Workload, seconds: float) -> Workers:
    """The same load on a gateway with one worker and on one with two, all bound to the gateway's core."""
    costs: list[float] = []
    connections: list[int] = []
    failed = 0
    for count in (1, 2):
        gateway = LLMGate(scene, workers=count)
        try:
            url, lua = prepare(scene, gateway, workload)
            wrk.run(url, lua, MANY, 1, scene.load_core)
            before = cpu_seconds(gateway.pid)
            with ThreadPoolExecutor(1) as pool:
                running = pool.submit(wrk.run, url, lua, MANY, seconds, scene.load_core)
                time.sleep(seconds / 2)
                connections = sorted(connections_each(gateway.pid, gateway.port).values(), reverse=True)[:count]
                load = running.result()
            costs.append((cpu_seconds(gateway.pid) - before) / load.requests * 1e6)
        finally:
            gateway.stop()
        failed += load.failed
    return Workers(costs[0], costs[1], connections, failed)


def memory(
    scene: Scene, who: Contestant, workload: Workload, total: int, tell: Callable[[str], None]
) -> list[tuple[int, int]]:
    """Proportional set size at the start and after each tenth of the requests, all on one gateway."""
    url, lua = prepare(scene, who, workload)
    done = wrk.run(url, lua, workload.connections, 1, scene.load_core)
    rate, count = done.requests / done.seconds, done.requests
    found = [(count, pss_bytes(who.pid))]
    while count < total:
        seconds = min(total / 10, total - count) / rate
        count += wrk.run(url, lua, workload.connections, seconds, scene.load_core).requests
        found.append((count, pss_bytes(who.pid)))
        tell(f"{found[-1][1] / 2**20:.1f} MB after {count:,} requests")
    return found


def plugin_microseconds(plugins: int = 8, calls: int = 2_000, tries: int = 60) -> float:
    """What one more plugin with a no-op async `llmgate_pre_request` adds to the compiled chain: the least of many tries."""
    return asyncio.run(_difference(_no_ops(plugins), _no_ops(plugins + 1), calls, tries)) / calls * 1e6


def _no_ops(count: int) -> CompiledHook:
    async def no_op(exchange: Any) -> None: ...

    def blame(plugin: str, hook: str, error: BaseException) -> None:
        raise error

    found = [Implementation(f"plugin{number}", no_op, ("exchange",)) for number in range(count)]
    compiled = compile_hook("llmgate_pre_request", found, blame)
    if compiled is None:
        raise Failed("a chain of plugins was compiled to nothing")
    return compiled


async def _difference(shorter: CompiledHook, longer: CompiledHook, calls: int, tries: int) -> float:
    least = {id(shorter): float("inf"), id(longer): float("inf")}
    for _ in range(tries):
        for hook in (shorter, longer):
            call = hook.call
            began = time.perf_counter()
            for _ in range(calls):
                await call(None)
            least[id(hook)] = min(least[id(hook)], time.perf_counter() - began)
    return least[id(longer)] - least[id(shorter)]
