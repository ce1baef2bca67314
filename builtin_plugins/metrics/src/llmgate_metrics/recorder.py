"""What one request adds to the numbers."""

from __future__ import annotations

from typing import Final

from llmgate_core import Attempt, Exchange, Usage
from llmgate_core.upstream_errors import AttemptClass

from .names import NONE, OTHER, KnownNames
from .series import FINE_SECONDS, SECONDS, Cell, Counters, Histograms

_ROUTE: Final = ("provider", "model")


class _Route:
    """The cells of one dialect, provider and model, resolved once."""

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
        "requests",
    )

    def __init__(self, recorder: Recorder, dialect: str, provider: str, model: str) -> None:
        self.labels = (dialect, provider, model)
        self.requests: dict[tuple[int, str], Cell] = {}
        self.duration = recorder.duration.cell(provider, model)
        self.overhead = recorder.overhead.cell(dialect)
        self.first_token = recorder.first_token.cell(provider, model)
        tokens = recorder.tokens
        self.input = tokens.cell(provider, model, "input")
        self.output = tokens.cell(provider, model, "output")
        self.cache_read = tokens.cell(provider, model, "cache_read")
        self.cache_write = tokens.cell(provider, model, "cache_write")
        self.reasoning = tokens.cell(provider, model, "reasoning")

    def count_tokens(self, usage: Usage) -> None:
        self.input.value += usage.input_tokens or 0
        self.output.value += usage.output_tokens or 0
        self.cache_read.value += usage.cache_read_tokens or 0
        self.cache_write.value += usage.cache_write_tokens or 0
        self.reasoning.value += usage.reasoning_tokens or 0


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
        self._attempts: dict[tuple[str, AttemptClass | None], Cell] = {}

    @property
    def counters(self) -> tuple[Counters, ...]:
        """All families of counters."""
        return (self.requests, self.attempts, self.tokens)

    @property
    def histograms(self) -> tuple[Histograms, ...]:
        """All families of histograms."""
        return (self.duration, self.first_token, self.overhead)

    def request_done(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        route = self._route(exchange)
        ended = (exchange.status, exchange.outcome)
        cell = route.requests.get(ended)
        if cell is None:
            dialect, provider, model = route.labels
            cell = self.requests.cell(dialect, provider, model, str(exchange.status), exchange.outcome)
            route.requests[ended] = cell
        cell.value += 1
        if exchange.ended_at is not None:
            total = exchange.ended_at - exchange.received_at
            route.duration.observe(total)
            route.overhead.observe(max(0.0, total - exchange.waited))
        if exchange.first_content_at is not None and exchange.stream:
            route.first_token.observe(exchange.first_content_at - exchange.received_at)
        if exchange.usage is not None:
            route.count_tokens(exchange.usage)

    def attempt_done(self, attempt: Attempt) -> None:
        """Count an attempt that is over."""
        key = (attempt.target.provider, attempt.result)
        cell = self._attempts.get(key)
        if cell is None:
            provider = self.names.provider(key[0])
            cell = self.attempts.cell(provider, NONE if attempt.result is None else attempt.result.value)
            if provider != OTHER:
                self._attempts[key] = cell
        cell.value += 1

    def _route(self, exchange: Exchange) -> _Route:
        if exchange.attempts:
            target = exchange.attempts[-1].target
            asked = (exchange.dialect.name, target.provider, target.model)
        else:
            asked = (exchange.dialect.name, NONE, exchange.model)
        route = self._routes.get(asked)
        return route if route is not None else self._new_route(asked)

    def _new_route(self, asked: tuple[str, str, str]) -> _Route:
        """The route for names not met yet. Only names that may be labels are kept: a client cannot fill the dict."""
        dialect, provider, model = asked
        if provider == NONE:
            model = self.names.asked(model)
        else:
            provider, model = self.names.provider(provider), self.names.model(provider, model)
        if len(self._routes) >= self._max_series:
            model = OTHER
        labels = (dialect, provider, model)
        return self._routes.get(labels) or self._routes.setdefault(labels, _Route(self, *labels))
