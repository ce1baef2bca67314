"""What is measured at the moment of a scrape: requests in flight, plugins' gauges, failures of observers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from llmgate_core import Gauge

from .series import Cell, Counters, Reading

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

logger: Final = logging.getLogger(__name__)


def active_requests(gateway: Gateway) -> Reading:
    """Requests in flight."""
    return Reading("llmgate_active_requests", "Requests in flight.", (), [((), float(gateway.active))])


def hook_errors(gateway: Gateway) -> Counters:
    """Exceptions of hooks that only observe."""
    counters = Counters("llmgate_hook_errors", "Exceptions in hooks that only observe.", ("plugin", "hook"))
    for (plugin, hook), count in gateway.hook_errors.items():
        cell = counters.cells[plugin, hook] = Cell()
        cell.value = float(count)
    return counters


def plugin_gauges(gauges: Iterable[Gauge]) -> list[Reading]:
    """What plugins offer. A gauge that fails is left out and told in the log: it must not cost the other numbers."""
    found: dict[str, Reading] = {}
    for gauge in gauges:
        labels = tuple(gauge.labels)
        try:
            values = [(tuple(map(str, told)), float(value)) for told, value in gauge.read()]
        except Exception:
            logger.exception("the gauge %s could not be read", gauge.name)
            continue
        if any(len(told) != len(labels) for told, _ in values):
            logger.error("the gauge %s gave label values that do not fit its labels %s", gauge.name, labels)
            continue
        first = found.setdefault(gauge.name, Reading(gauge.name, gauge.help, labels, []))
        if first.labels != labels:
            logger.error("the gauge %s is offered twice, with labels %s and %s", gauge.name, first.labels, labels)
            continue
        first.values = [*first.values, *values]
    return list(found.values())
