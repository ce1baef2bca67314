"""The soak: requests without end through one gateway, and what its memory does meanwhile."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from . import wrk
from .contestants import Contestant, Scene
from .llmgate import LLMGate
from .measure import pss_bytes
from .processes import Failed, cores
from .readings import prepare, problem
from .report import MB, table
from .upstream import Upstream
from .workloads import UNARY

SLICE: Final = 5.0
"""Seconds of load for one line of the table."""
EVERY: Final = 1.0
"""Seconds between two looks at the memory; of a slice the most is kept."""
FEWEST: Final = 6
"""Lines without which nothing is said: two for each third."""
AIM: Final = 60 * MB
FLAT: Final = MB
"""By how much the last third may be above the second: a page here and there, and of a million requests three bytes each."""


@frozen
class Sample:
    """After a slice: seconds since the start, requests and failures so far, requests a second, and the slice's largest PSS."""

    seconds: float
    requests: int
    failed: int
    rate: float
    pss: int


@frozen
class Verdict:
    """Medians of the second and the last third and the most of all, in bytes; ``per_request`` is what a request left behind.

    ``flat`` is None when the run was too short to tell.
    """

    second: float
    last: float
    most: int
    per_request: float
    flat: bool | None
    failed: int

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Verdict:
        """Of at least one sample. The first third is for caches and pools to fill: it counts for the most only."""
        most, failed = max(one.pss for one in samples), samples[-1].failed
        third = len(samples) // 3
        if len(samples) < FEWEST:
            return cls(samples[-1].pss, samples[-1].pss, most, 0.0, None, failed)
        middle, end = samples[-2 * third : -third], samples[-third:]
        second, last = (statistics.median(one.pss for one in part) for part in (middle, end))
        apart = statistics.median(one.requests for one in end) - statistics.median(one.requests for one in middle)
        return cls(second, last, most, (last - second) / apart, last - second <= FLAT, failed)

    @property
    def good(self) -> bool:
        """Whether all is as it should be, as far as can be told."""
        return self.flat is not False and self.most <= AIM and not self.failed

    def show(self) -> str:
        """In one line."""
        told = {True: "flat", False: "NOT FLAT", None: "too short to tell whether it is flat"}[self.flat]
        size = "within" if self.most <= AIM else "ABOVE"
        failed = f"; {self.failed:,} requests FAILED" if self.failed else ""
        return (
            f"PSS: second third {self.second / MB:.1f} MB, last third {self.last / MB:.1f} MB, "
            f"{self.per_request:+.1f} bytes a request: {told}; most {self.most / MB:.1f} MB: "
            f"{size} {AIM / MB:.0f} MB{failed}"
        )


def run(total: int, upstream_port: int) -> list[Sample]:
    """So many requests through an llmgate with the standard plugins on. What was started is stopped however it ends."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="llmgate-bench-")))
        folder.chmod(0o755)  # nginx, started by root, reads it as another user
        gateway_core, load_core = cores()
        upstream = Upstream(folder, load_core, upstream_port)
        running.callback(upstream.stop)
        scene = Scene(folder, upstream, gateway_core, load_core)
        gateway = LLMGate(scene)
        running.callback(gateway.stop)
        if reason := problem(gateway, UNARY):
            raise Failed(f"{gateway.name} cannot be soaked: {reason}")
        return soak(scene, gateway, total, lambda text: print(text, file=sys.stderr, flush=True))


def soak(scene: Scene, who: Contestant, total: int, tell: Callable[[str], None]) -> list[Sample]:
    """Slice after slice, each on connections of its own."""
    url, lua = prepare(scene, who, UNARY)
    began = time.monotonic()
    samples: list[Sample] = []
    requests = failed = 0
    rate = 0.0
    with ThreadPoolExecutor(1) as pool:
        while requests < total:
            seconds = min(SLICE, (total - requests) / rate) if rate else 1.0
            load = pool.submit(wrk.run, url, lua, UNARY.connections, seconds, scene.load_core)
            pss, done = most_while(load, who.pid), load.result()
            if not done.requests:
                raise Failed(f"{who.name} answered nothing for {done.seconds:.0f} s, after {requests:,} requests")
            requests, failed, rate = requests + done.requests, failed + done.failed, done.requests / done.seconds
            samples.append(Sample(time.monotonic() - began, requests, failed, rate, pss))
            tell(f"{requests:,} of {total:,} requests, {rate:,.0f}/s, PSS {pss / MB:.1f} MB")
    return samples


def most_while(running: Future[Any], pid: int) -> int:
    """The largest PSS until something ends."""
    most = 0
    while not running.done():
        most = max(most, pss_bytes(pid))
        wait([running], EVERY)
    return max(most, pss_bytes(pid))


def tables(samples: Sequence[Sample]) -> str:
    """All samples, and the verdict."""
    lines = [
        (f"{one.seconds:.0f}", f"{one.requests:,}", f"{one.rate:,.0f}", f"{one.pss / MB:.1f}", f"{one.failed:,}")
        for one in samples
    ]
    return f"{table(('s', 'requests', 'req/s', 'PSS MB', 'failed'), lines)}\n\n{Verdict.of(samples).show()}"


def result_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "samples": [attrs.asdict(sample) for sample in samples],
        "verdict": attrs.asdict(Verdict.of(samples)),
    }
