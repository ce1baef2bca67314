"""From the recorder's families to the text that Prometheus reads.

Imported at the first scrape: prometheus-client takes long to load.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from llmgate_core import EndpointResponse

from .series import Buckets, Counters, Histograms, Reading


class Given:
    """A collector of families that are made already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def families_of(
    counters: Iterable[Counters], histograms: Iterable[Histograms], readings: Iterable[Reading]
) -> list[Metric]:
    """The numbers of this process as prometheus-client's own values."""
    found: list[Metric] = []
    for counter in counters:
        counted = CounterMetricFamily(counter.name, counter.help, labels=counter.labels)
        for labels, cell in counter.cells.items():
            counted.add_metric(labels, cell.value)
        found.append(counted)
    for histogram in histograms:
        spread = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
        for labels, buckets in histogram.cells.items():
            spread.add_metric(labels, cumulative(buckets), buckets.sum)
        found.append(spread)
    for reading in readings:
        gauge = GaugeMetricFamily(reading.name, reading.help, labels=reading.labels)
        for labels, value in reading.values:
            gauge.add_metric(labels, value)
        found.append(gauge)
    return found


def cumulative(buckets: Buckets) -> list[tuple[str, float]]:
    """``(upper bound, how many values up to it)``, as the exposition wants it."""
    return [(bound, float(count)) for bound, count in zip(buckets.texts, accumulate(buckets.counts), strict=True)]


def render(families: Sequence[Metric], accept: str, *, process: bool) -> EndpointResponse:
    """The answer to a scrape.

    ``accept`` chooses between the text format and OpenMetrics; ``process`` adds this process's CPU time, memory and files.
    """
    registry = CollectorRegistry()
    registry.register(Given(families))
    if process:
        ProcessCollector(registry=registry)
    wanted = openmetrics if "application/openmetrics-text" in accept else exposition
    body = wanted.generate_latest(registry)
    return EndpointResponse(body, content_type=wanted.CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})
