"""What requests and attempts add to the numbers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from llmgate_core import Attempt, Dialect, Exchange, Target, Usage

from .names import NONE, OTHER, KnownNames
from .series import FINE_SECONDS, SECONDS, Cell, Counters, Histograms

Note = tuple[
    Target,  # where it went last
    Dialect,
    int,  # status
    str,  # outcome
    float,  # received
    float | None,  # ended
    float,  # waited
    float | None,  # first content, of a stream
    Usage | None,
]
"""What a request adds. Nothing in it holds the request or the answer."""

_Key = tuple[str, str, str, int, str]
"""Dialect, provider, model, status, outcome."""

logger: Final = logging.getLogger(__name__)
_ROUTE: Final = ("provider", "model")
LONGEST_NAME: Final = 200
"""Characters of a model's name up to which it is worth remembering."""
_MOST_MET: Final = 1024


class _Route:
    """The cells of one dialect, provider and model, resolved once. ``waiting`` are notes yet to be added up."""

    __slots__ = (
        "cache_read",
        "cache_write",
        "duration",
        "first_token",
        "input",
        "labels",
        "output",
        "overhead",
        "reasoning",
        "waiting",
    )

    def __init__(self, recorder: Recorder, dialect: str, provider: str, model: str) -> None:
        self.labels = (dialect, provider, model)
        self.duration = recorder.duration.cell(provider, model)
        self.overhead = recorder.overhead.cell(dialect)
        self.first_token = recorder.first_token.cell(provider, model)
        self.waiting: list[Note] = []
        tokens = recorder.tokens
        self.input = tokens.cell(provider, model, "input")
        self.output = tokens.cell(provider, model, "output")
        self.cache_read = tokens.cell(provider, model, "cache_read")
        self.cache_write = tokens.cell(provider, model, "cache_write")
        self.reasoning = tokens.cell(provider, model, "reasoning")

    def add_up(self) -> None:
        """Add what the waiting notes tell. Flat, because it is run for every request."""
        totals, owns = list[float](), list[float]()
        for _, _, _, _, received, ended, waited, first, usage in self.waiting:
            try:
                if ended is not None:
                    total = ended - received
                    own = total - waited if total > waited else 0.0
                    totals.append(
                        total
                    )  # only now: what compares with a time can be counted, whatever a plugin has put there
                    owns.append(own)
                if first is not None:
                    self.first_token.observe(first - received)
                if usage is not None:
                    if usage.input_tokens:
                        self.input.value += usage.input_tokens
                    if usage.output_tokens:
                        self.output.value += usage.output_tokens
                    if usage.cache_read_tokens:
                        self.cache_read.value += usage.cache_read_tokens
                    if usage.cache_write_tokens:
                        self.cache_write.value += usage.cache_write_tokens
                    if usage.reasoning_tokens:
                        self.reasoning.value += usage.reasoning_tokens
            except Exception:
                logger.exception("a request could not be counted")
        self.waiting.clear()
        self.duration.observe_all(totals)
        self.overhead.observe_all(owns)


class Recorder:
    """The families, and the one place that adds to them. A request costs a dict lookup and a few additions.

    ``names`` bounds the label values, ``max_series`` the number of routes told apart; what is beyond becomes ``other``.
    """

    def __init__(self, max_series: int) -> None:
        self.names = KnownNames(None)
        self.requests = Counters(
            "llmgate_requests", "Requests that ended.", ("dialect", "provider", "model", "status", "outcome")
        )
        self.attempts = Counters("llmgate_attempts", "Tries at providers that ended.", ("provider", "result"))
        self.tokens = Counters("llmgate_tokens", "Tokens that providers reported.", (*_ROUTE, "kind"))
        self.duration = Histograms(
            "llmgate_request_duration_seconds", "From the request's arrival to the last byte.", _ROUTE, SECONDS
        )
        self.first_token = Histograms(
            "llmgate_time_to_first_token_seconds",
            "From the request's arrival to the first content of a stream.",
            _ROUTE,
            SECONDS,
        )
        self.overhead = Histograms(
            "llmgate_overhead_seconds",
            "The gateway's own time: duration less the time spent waiting for providers.",
            ("dialect",),
            FINE_SECONDS,
        )
        self._max_series = max_series
        self._routes: dict[tuple[str, str, str], _Route] = {}
        self._met: dict[_Key, tuple[_Route, Cell]] = {}
        self.tries: dict[tuple[str, str], Cell] = {}
        """Cells of :attr:`attempts` by provider and result, for providers that may be labels."""

    @property
    def counters(self) -> tuple[Counters, ...]:
        """All families of counters."""
        return (self.requests, self.attempts, self.tokens)

    @property
    def histograms(self) -> tuple[Histograms, ...]:
        """All families of histograms."""
        return (self.duration, self.first_token, self.overhead)

    def request_done(self, exchange: Exchange) -> None:
        """Count any request that is over."""
        target = exchange.attempts[-1].target if exchange.attempts else Target(NONE, exchange.model)
        times = exchange.received_at, exchange.ended_at, exchange.waited
        first = exchange.first_content_at if exchange.stream else None
        self.count(((target, exchange.dialect, exchange.status, exchange.outcome, *times, first, exchange.usage),))

    def count(self, notes: Iterable[Note]) -> None:
        """Count requests that are over. Flat, because it is run for every request."""
        met, touched = self._met, []
        last, cell, waiting = None, Cell(), list[Note]()  # nobody's
        for note in notes:
            try:
                end = note[:4]
                if end != last:
                    target, dialect, status, outcome = end
                    key = (dialect.name, target.provider, target.model, status, outcome)
                    route, cell = met.get(key) or self._meet(key)
                    waiting, last = route.waiting, end
                    touched.append(route)
                cell.value += 1
                waiting.append(note)
            except Exception:
                logger.exception("a request could not be counted")
        for route in touched:
            route.add_up()

    def attempt_done(self, attempt: Attempt) -> None:
        """Count an attempt that is over."""
        provider, ended = attempt.target.provider, NONE if attempt.result is None else attempt.result.value
        known = self.names.provider(provider)
        cell = self.attempts.cell(known, ended)
        if known != OTHER:
            self.tries[provider, ended] = cell
        cell.value += 1

    def _meet(self, key: _Key) -> tuple[_Route, Cell]:
        """The cells for names and an end not met lately. What is remembered is bounded: a client may make names up."""
        dialect, provider, model, status, outcome = key
        route = self._route(dialect, provider, model)
        cell = self.requests.cell(*route.labels, str(status), outcome)
        if len(model) <= LONGEST_NAME:
            if len(self._met) >= _MOST_MET:
                self._met.clear()
            self._met[key] = (route, cell)
        return route, cell

    def _route(self, dialect: str, provider: str, model: str) -> _Route:
        """The route for names not met yet. Only names that may be labels are kept: a client cannot fill the dict."""
        known = self._routes.get((dialect, provider, model))
        if known is not None:
            return known
        if provider == NONE:
            model = self.names.asked(model)
        else:
            provider, model = self.names.provider(provider), self.names.model(provider, model)
        if len(self._routes) >= self._max_series:
            model = OTHER
        labels = (dialect, provider, model)
        return self._routes.get(labels) or self._routes.setdefault(labels, _Route(self, *labels))
