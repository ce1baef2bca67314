"""Requests counted in a row add up to what they add one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from copy import copy
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core import Attempt, EndpointResponse, Exchange, Target, Usage
from llmgate_core.gateway import Gateway
from llmgate_core.testing.exchanges import make_exchange
from llmgate_core.upstream_errors import AttemptClass
from llmgate_metrics import AT_ONCE, MetricsConfig, MetricsPlugin
from llmgate_metrics.names import NONE, OTHER, KnownNames
from llmgate_metrics.recorder import LONGEST_NAME, Recorder

REGISTRY: Any = SimpleNamespace(providers={"lab": SimpleNamespace(models=("small", "large"))}, aliases=("fast",))
MODELS = st.sampled_from(["small", "large", "fast", "made-up", 'a"b\n', "\udcff", "", "other", "m" * 5000, "lab/small"])
PROVIDERS = st.sampled_from(["lab", "lab", "unknown", "none", "other"])
SECONDS = st.floats(0, 1e6) | st.sampled_from([0.0, 0.01, 0.025, 0.000025, 600.0])
COUNTS = st.none() | st.integers(0, 2**40)
USAGES = st.none() | st.builds(
    lambda *counts: Usage(counts[0], counts[1], counts[2], counts[3], None, None, counts[4]), *[COUNTS] * 5
)


@cache
def example() -> Exchange:
    """Made once: a dialect of its own for each exchange would take these tests most of their time."""
    return make_exchange()


def ended(model: str = "small", *providers: str) -> Exchange:
    """A request that was tried at these providers."""
    exchange = copy(example())
    exchange.request = copy(exchange.request)
    exchange.request.model = model
    nobody: Any = None
    exchange.attempts = [Attempt(1, Target(provider, model), nobody, 100.1) for provider in providers]
    exchange.status, exchange.outcome, exchange.ended_at, exchange.waited = 200, "ok", 100.5, 0.4
    return exchange


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """A request that is over, however it went."""
    exchange = ended(draw(MODELS), *draw(st.lists(PROVIDERS, max_size=3)))
    exchange.request.stream = draw(st.booleans())
    exchange.status, exchange.outcome = draw(st.integers(0, 599)), draw(st.sampled_from(["ok", "error", "partial"]))
    exchange.ended_at = draw(st.none() | SECONDS.map(lambda seconds: 100.0 + seconds))
    exchange.first_content_at = draw(st.none() | SECONDS.map(lambda seconds: 100.0 + seconds))
    exchange.waited, exchange.usage = draw(SECONDS), draw(USAGES)
    for attempt in exchange.attempts:
        attempt.result = draw(st.none() | st.sampled_from(AttemptClass))
    return exchange


def plugin(max_series: int = 500) -> MetricsPlugin:
    """The plugin, knowing the names of a registry."""
    made = MetricsPlugin(MetricsConfig(max_series=max_series))
    made._recorder.names = KnownNames(REGISTRY)
    return made


def numbers(recorder: Recorder, about: Callable[[float], Any] = float) -> list[Any]:
    """Everything a scrape would tell, in its order; sums as ``about`` compares them."""
    counters = [(labels, cell.value) for family in recorder.counters for labels, cell in family.cells.items()]
    spreads = [(labels, b.counts, about(b.sum)) for family in recorder.histograms for labels, b in family.cells.items()]
    return [counters, spreads]


@settings(deadline=None)
@given(st.lists(exchanges(), max_size=12), st.sets(st.integers(0, 11)))
def test_order_and_row_make_no_difference(requests: list[Exchange], scrapes: set[int]) -> None:
    """Noted and counted later, with scrapes in between, or counted one by one: the same series.

    Sums may differ in the last bit, by the order in which they are made.
    """
    noting, counting = plugin(10), plugin(10)
    for number, exchange in enumerate(requests):
        for attempt in exchange.attempts:
            noting.llmgate_attempt_done(attempt)
            counting._recorder.attempt_done(attempt)
        noting.llmgate_post_response(exchange)
        counting._recorder.request_done(exchange)
        if number in scrapes:
            noting._count()
    noting._count()
    assert numbers(noting._recorder) == numbers(counting._recorder, pytest.approx)


def label(names: KnownNames, exchange: Exchange) -> tuple[str, str]:
    """Provider and model as labels."""
    if not exchange.attempts:
        return NONE, names.asked(exchange.model)
    target = exchange.attempts[-1].target
    if target.provider == NONE:  # a provider that calls itself so
        return NONE, names.asked(target.model)
    return names.provider(target.provider), names.model(target.provider, target.model)


def total(values: Iterable[int | None]) -> int:
    """What was told, summed."""
    return sum(value or 0 for value in values)


@settings(deadline=None)
@given(st.lists(exchanges(), max_size=12))
def test_numbers_are_those_of_the_requests(requests: list[Exchange]) -> None:
    """Counted again from the requests themselves, by another way."""
    made = plugin()
    for exchange in requests:
        made.llmgate_post_response(exchange)
    made._count()
    recorder = made._recorder
    labels = [label(recorder.names, exchange) for exchange in requests]
    wanted = Counter(("plain.chat", *to, str(x.status), x.outcome) for x, to in zip(requests, labels, strict=True))
    assert {key: cell.value for key, cell in recorder.requests.cells.items()} == wanted
    for to in set(labels):
        mine = [x for x, other in zip(requests, labels, strict=True) if other == to]
        usages = [x.usage for x in mine if x.usage is not None]
        told = {
            kind: recorder.tokens.cell(*to, kind).value for kind in ("input", "output", "cache_read", "cache_write")
        }
        assert told == {kind: total(getattr(usage, f"{kind}_tokens") for usage in usages) for kind in told}
        assert recorder.tokens.cell(*to, "reasoning").value == total(usage.reasoning_tokens for usage in usages)
        assert sum(recorder.duration.cell(*to).counts) == sum(x.ended_at is not None for x in mine)
        begun = sum(x.first_content_at is not None and x.stream for x in mine)
        assert sum(recorder.first_token.cell(*to).counts) == begun


async def test_scrape_counts_what_was_only_noted(
    make_gateway: Callable[..., Gateway], scrape: Callable[..., Awaitable[EndpointResponse]]
) -> None:
    """After any number of requests a scrape tells exactly that number."""
    gateway = make_gateway()
    (made,) = [loaded.instance for loaded in gateway.plugins if isinstance(loaded.instance, MetricsPlugin)]
    async with made.llmgate_lifespan(gateway):
        for count in range(1, AT_ONCE * 2):
            made.llmgate_post_response(ended("small", "lab"))
            if count % 17 == 0:
                answer = await scrape(gateway)
                series = 'dialect="plain.chat",model="small",outcome="ok",provider="lab",status="200"'
                assert f"llmgate_requests_total{{{series}}} {float(count)}\n".encode() in answer.body


def test_little_is_held_back() -> None:
    """Without any scrape only so many requests wait to be counted, and none with a long name."""
    made = plugin()
    for number in range(1, AT_ONCE):
        made.llmgate_post_response(ended("small", "lab"))
        assert len(made._notes) == number
    made.llmgate_post_response(ended("small", "lab"))
    assert made._notes == []
    for unusual in (ended("m" * (LONGEST_NAME + 1), "lab"), ended("small")):
        made.llmgate_post_response(ended("small", "lab"))
        made.llmgate_post_response(unusual)
        assert made._notes == []
    assert sum(cell.value for cell in made._recorder.requests.cells.values()) == AT_ONCE + 4


def test_made_up_names_are_remembered_up_to_a_number() -> None:
    """A client's names make no series, and what is remembered of them stays small."""
    made = plugin()
    for number in range(5000):
        made.llmgate_post_response(ended(f"made-up-{number}", "lab"))
    made.llmgate_post_response(ended("m" * (LONGEST_NAME + 1), "lab"))
    made._count()
    assert [key[1:3] for key in made._recorder.requests.cells] == [("lab", OTHER)]
    assert len(made._recorder._met) <= 1024
    assert max(len(key[2]) for key in made._recorder._met) <= LONGEST_NAME


def test_attempts_are_counted_at_once() -> None:
    """A failed try is seen before its request has ended; a provider that is no label is not remembered."""
    made = plugin()
    for provider, result in [("lab", AttemptClass.OK)] * 3 + [("lab", None), ("gone", AttemptClass.OK)] * 2:
        attempt = ended("small", provider).attempts[0]
        attempt.result = result
        made.llmgate_attempt_done(attempt)
    counts = {key: cell.value for key, cell in made._recorder.attempts.cells.items()}
    assert counts == {("lab", "ok"): 3.0, ("lab", NONE): 2.0, (OTHER, "ok"): 2.0}
    assert set(made._recorder.tries) == {("lab", "ok"), ("lab", NONE)}


def test_request_that_cannot_be_counted_costs_itself_only(caplog: pytest.LogCaptureFixture) -> None:
    """Another plugin's mistake about one request is told, and its neighbours are counted."""
    made = plugin()
    requests = [ended("small", "lab") for _ in range(3)]
    for exchange in requests:
        exchange.usage = Usage(input_tokens=5)
    requests[1].usage = Usage(input_tokens="many")  # type: ignore[arg-type]  # the mistake
    for exchange in requests:
        made.llmgate_post_response(exchange)
    made._count()
    assert made._recorder.tokens.cell("lab", "small", "input").value == 10.0
    assert caplog.text.count("a request could not be counted") == 1


@pytest.mark.parametrize("wrong", [2j, "soon", object()])
def test_a_time_that_is_none(wrong: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What a faulty plugin has put in its place costs that request its times, and the others nothing."""
    made, attempt = plugin(), Attempt(1, Target("lab", "small"), None, 100.0)  # type: ignore[arg-type]  # not looked at
    for ended in (101.0, wrong, 102.0):
        made.llmgate_post_response(make_exchange(attempts=[attempt], ended_at=ended))
    made._count()
    (spread,) = made._recorder.duration.cells.values()
    assert (sum(spread.counts), spread.sum) == (2, 3.0)
    assert sum(cell.value for cell in made._recorder.requests.cells.values()) == 3
    assert "could not be counted" in caplog.text
