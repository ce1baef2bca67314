"""The sum over several worker processes.

Each instance writes its numbers into files of its own in ``PROMETHEUS_MULTIPROC_DIR``, in prometheus-client's format, and a
scrape of any worker merges the files of all. A file belongs to one instance, not to one process: when a reload puts a new
instance beside one that still finishes its requests, neither overwrites the other, and nothing is counted twice.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from .series import Counters, Histograms, Labels, Reading

SUMMED: Final = "livesum"
PER_WORKER: Final = "liveall"


class SharedNumbers:
    """This instance's files, and the reading of everybody's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._files: dict[str, Any] = {}
        self._keys: dict[tuple[str, Labels, str], str] = {}
        self._written: dict[str, dict[str, float]] = {}

    def write(self, counters: Iterable[Counters], histograms: Iterable[Histograms]) -> None:
        """Bring the files up to date. Only what changed is written."""
        for counter in counters:
            sample = f"{counter.name}_total"
            for labels, cell in counter.cells.items():
                self._put("counter", self._key(counter, sample, counter.labels, labels), cell.value)
        for histogram in histograms:
            name = histogram.name
            with_bound = (*histogram.labels, "le")
            for labels, buckets in histogram.cells.items():
                self._put("histogram", self._key(histogram, f"{name}_sum", histogram.labels, labels), buckets.sum)
                for bound, count in zip(buckets.texts, buckets.counts, strict=True):
                    key = self._key(histogram, f"{name}_bucket", with_bound, (*labels, bound))
                    self._put("histogram", key, count)

    def write_gauges(self, readings: Iterable[Reading], mode: str) -> None:
        """Gauges are summed over the workers (``livesum``), or told apart by a label ``pid`` (``liveall``).

        All gauges of a mode are written together: one that is not there any more becomes NaN, which :meth:`read` leaves out.
        """
        kind = f"gauge_{mode}"
        now = {
            self._key(reading, reading.name, reading.labels, labels): value
            for reading in readings
            for labels, value in reading.values
        }
        gone = self._written.get(kind, {}).keys() - now.keys()
        for key, value in (now | dict.fromkeys(gone, math.nan)).items():
            self._put(kind, key, value)

    def read(self) -> list[Metric]:
        """The numbers of all workers. Counters outlive the worker that counted; gauges do not."""
        files = [str(file) for file in sorted(self._folder.glob("*.db")) if _counts(file)]
        merged: list[Metric] = list(MultiProcessCollector.merge(files, accumulate=True))  # type: ignore[no-untyped-call]  # has no annotations
        for metric in merged:
            metric.samples = [sample for sample in metric.samples if not math.isnan(sample.value)]
        return merged

    def close(self) -> None:
        """Close the files: what was counted stays readable, what was measured is gone."""
        for kind, file in self._files.items():
            file.close()
            if kind.startswith("gauge"):
                self._path(kind).unlink(missing_ok=True)
        self._files.clear()

    def _key(self, family: Counters | Histograms | Reading, sample: str, names: Labels, values: Labels) -> str:
        found = self._keys.get((sample, values, family.name))
        if found is None:
            found = mmap_key(family.name, sample, list(names), list(values), family.help)
            self._keys[sample, values, family.name] = found
        return found

    def _put(self, kind: str, key: str, value: float) -> None:
        written = self._written.setdefault(kind, {})
        if written.get(key) == value:
            return
        if kind not in self._files:
            self._files[kind] = MmapedDict(str(self._path(kind)))  # type: ignore[no-untyped-call]  # has no annotations
        self._files[kind].write_value(key, float(value), 0.0)
        written[key] = value

    def _path(self, kind: str) -> Path:
        return self._folder / f"{kind}_{self._owner}.db"


def _counts(file: Path) -> bool:
    """Whether a file takes part: not one that is only being made, nor the gauges of a worker that is gone."""
    try:
        if file.stat().st_size == 0:
            return False
    except FileNotFoundError:
        return False
    if not file.name.startswith("gauge_"):
        return True
    pid = file.stem.rpartition("_")[2].partition("-")[0]
    return not pid.isdigit() or _lives(int(pid))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
