"""The run: every round asks every contestant for every workload in turn, so that a noisy minute hits all of them."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from . import figures as own
from .contestants import Contestant, Scene
from .figures import Figures
from .haproxy import HAProxy
from .llmgate import LLMGate
from .peers import Peer, Recipe
from .processes import cores
from .readings import DIRECT, LATENCY, Reading, acquaint, closed_loop, open_loop, problem, settle
from .upstream import Upstream
from .workloads import UNARY, Workload

BUSY_POLL: Final = 0.002
"""Seconds: longer than the pause between two requests of the open loop, so that the core stays awake."""


@frozen
class Plan:
    """What to run: ``warm`` seconds of load before the first round, ``seconds`` per measurement.

    ``rate`` is the open loop's, ``requests`` are for memory; 0 leaves either out.
    """

    rounds: int
    seconds: float
    warm: float
    workloads: Sequence[Workload]
    peers: Sequence[Recipe]
    rate: float
    requests: int
    extras: bool
    upstream_port: int = 0


@define
class Outcome:
    """``unable`` says why a contestant was not asked for a workload: (contestant, workload, reason)."""

    readings: list[Reading] = field(factory=list)
    figures: Figures = field(factory=Figures)
    unable: list[tuple[str, str, str]] = field(factory=list)
    versions: dict[str, str] = field(factory=dict)
    plugins: list[str] = field(factory=list)


@define
class Progress:
    """One line to stderr for each thing done, with the time since the start."""

    total: int
    done: int = 0
    began: float = field(factory=time.monotonic)

    def tell(self, text: str) -> None:
        """Say what happens, without counting it."""
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        print(f"{minutes:3}:{seconds:02} [{self.done:3}/{self.total}] {text}", file=sys.stderr, flush=True)

    def step(self, text: str) -> None:
        """Count one thing as done."""
        self.done += 1
        self.tell(text)


def run(plan: Plan) -> Outcome:
    """All of it. What was started is stopped however it ends."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="llmgate-bench-")))
        folder.chmod(0o755)  # nginx, started by root, reads it as another user
        gateway_core, load_core = cores()
        upstream = Upstream(folder, load_core, plan.upstream_port)
        running.callback(upstream.stop)
        return Run(Scene(folder, upstream, gateway_core, load_core), plan, running).go()


class Run:
    """One run; what it starts is stopped by ``running``."""

    def __init__(self, scene: Scene, plan: Plan, running: ExitStack) -> None:
        self._scene, self._plan, self._running = scene, plan, running
        self._outcome = Outcome()
        self._contestants: list[Contestant] = []
        self._enter(HAProxy(scene))
        self._llmgate = LLMGate(scene)
        self._enter(self._llmgate)
        self._outcome.plugins = self._llmgate.plugins
        for recipe in plan.peers:
            print(f"starting {recipe.name} {recipe.version}", file=sys.stderr, flush=True)
            self._enter(Peer(recipe, scene))
        self._asked = list(self._able())
        each = len(self._asked) + plan.extras + (len(self._contestants) + 3) * (plan.rate > 0)
        self._progress = Progress(plan.rounds * each)

    def go(self) -> Outcome:
        """Every round, then memory."""
        for who in dict.fromkeys(who for _, who in self._asked):
            self._progress.tell(f"{who.name} warms up")
            acquaint(self._scene, who, self._plan.warm)
        for number in range(1, self._plan.rounds + 1):
            self._round(number)
            if self._plan.rate:
                self._latencies(number)
                self._awake(number)
            if self._plan.extras:
                self._extras(number)
        if self._plan.requests:
            total, tell = self._plan.requests, self._progress.tell
            self._outcome.figures.memory = own.memory(self._scene, self._llmgate, UNARY, total, tell)
        return self._outcome

    def _enter(self, who: Contestant) -> None:
        self._running.callback(who.stop)
        self._contestants.append(who)
        self._outcome.versions[who.name] = who.version
        if who.start_seconds is not None:
            self._outcome.figures.starts[who.name] = [who.start_seconds]

    def _able(self) -> Iterator[tuple[Workload, Contestant]]:
        for workload in self._plan.workloads:
            for who in self._contestants:
                reason = problem(who, workload)
                if reason:
                    self._outcome.unable.append((who.name, workload.name, reason))
                    print(f"{who.name} is not asked for {workload.name}: {reason}", file=sys.stderr, flush=True)
                else:
                    yield workload, who

    def _round(self, number: int) -> None:
        """Workload by workload; in even rounds the contestants in reverse, so that none always follows the same."""
        for workload in self._plan.workloads:
            those = [who for asked, who in self._asked if asked is workload]
            for who in reversed(those) if number % 2 == 0 else those:
                reading = closed_loop(self._scene, who, workload, number, self._plan.seconds)
                self._outcome.readings.append(reading)
                settle(who)
                failed = f", {reading.failed} FAILED" if reading.failed else ""
                self._progress.step(
                    f"round {number} · {workload.name} · {who.name}: {reading.cpu:,.1f} µs, "
                    f"{reading.rate:,.0f}/s, core {reading.busy:.0%} busy{failed}"
                )

    def _latencies(self, number: int) -> None:
        for who in (None, *self._contestants):
            if who and (most := self._most_per_second(who)) < self._plan.rate:
                self._progress.step(f"round {number} · {LATENCY} · {who.name}: left out, carries {most:.0f}/s at most")
                continue
            self._latency(number, who)
            if who:
                settle(who)

    def _latency(self, number: int, who: Contestant | None) -> None:
        reading = open_loop(self._scene, who, number, self._plan.seconds, self._plan.rate)
        self._outcome.readings.append(reading)
        note = f", {reading.note}" if reading.note else ""
        self._progress.step(
            f"round {number} · {LATENCY} · {who.name if who else DIRECT}: "
            f"p50 {reading.p50 * 1e3:.3f} ms, p99 {reading.p99 * 1e3:.3f} ms{note}"
        )

    def _awake(self, number: int) -> None:
        """The same for gateways that do not let their core sleep. Each runs only now: it would take that core from the others."""
        for start in (partial(HAProxy, busy_polling=True), partial(LLMGate, busy_poll=BUSY_POLL)):
            who = start(self._scene)
            try:
                self._latency(number, who)
            finally:
                who.stop()

    def _most_per_second(self, who: Contestant) -> float:
        """What one core carried in this run; without a limit when it was not asked."""
        mine = [one for one in self._outcome.readings if one.contestant == who.name and one.workload == UNARY.name]
        least = min((one.cpu for one in mine), default=0.0)
        return 1e6 / least if least else float("inf")

    def _extras(self, number: int) -> None:
        figures, scene = self._outcome.figures, self._scene
        figures.starts[self._llmgate.name].append(own.start_seconds(scene))
        figures.imports.append(own.import_seconds(scene))
        figures.plugin.append(own.plugin_microseconds())
        figures.workers.append(own.two_workers(scene, UNARY, self._plan.seconds))
        workers = figures.workers[-1]
        self._progress.step(
            f"round {number} · llmgate alone: start {figures.starts[self._llmgate.name][-1]:.2f} s, "
            f"import {figures.imports[-1]:.3f} s, one more plugin {figures.plugin[-1]:.2f} µs, "
            f"two workers {workers.together:.1f} µs, one {workers.alone:.1f} µs"
        )
