"""What a request and its attempts add to the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core import Attempt, Exchange, Target, Usage
from llmgate_core.gateway import Gateway
from llmgate_core.upstream_errors import AttemptClass
from llmgate_metrics.names import KnownNames
from llmgate_metrics.recorder import Recorder

Make = Callable[..., Exchange]
ENDED = {"status": 200, "outcome": "ok", "ended_at": 100.5, "waited": 0.4996}


@pytest.fixture
def gateway(make_gateway: Callable[..., Gateway]) -> Gateway:
    """Knows the provider ``lab`` with ``small``, ``large`` and, out of a plugin's config, ``tuned``."""
    return make_gateway()


@pytest.fixture
def recorder(gateway: Gateway) -> Recorder:
    """A recorder that knows the gateway's names."""
    recorder = Recorder(max_series=500)
    recorder.names = KnownNames(gateway.registry, ["lab/tuned", "nowhere/x"], ["extra"])
    return recorder


@pytest.fixture
def attempted(gateway: Gateway, make_exchange: Make) -> Make:
    """Makes an exchange whose last attempt went to the lab."""

    def make(model: str, provider: str = "lab", **more: Any) -> Exchange:
        exchange = make_exchange(model=model, **{**ENDED, **more})
        exchange.attempts.append(Attempt(1, Target(provider, model), gateway.registry.providers["lab"], 100.1))
        return exchange

    return make


def test_request_is_counted_by_where_it_went_and_how_it_ended(recorder: Recorder, attempted: Make) -> None:
    """Two alike share a series; another end is another series."""
    recorder.request_done(attempted("small"))
    recorder.request_done(attempted("small"))
    recorder.request_done(attempted("small", status=502, outcome="error"))
    assert {labels: cell.value for labels, cell in recorder.requests.cells.items()} == {
        ("plain.chat", "lab", "small", "200", "ok"): 2.0,
        ("plain.chat", "lab", "small", "502", "error"): 1.0,
    }


def test_overhead_is_what_was_not_waited_for(recorder: Recorder, attempted: Make) -> None:
    """Half a second of which all but 0.4 ms was the provider's counts as 0.4 ms."""
    recorder.request_done(attempted("small"))
    overhead = recorder.overhead.cell("plain.chat")
    assert overhead.sum == pytest.approx(0.0004)
    assert overhead.counts[overhead.bounds.index(0.0005)] == 1
    assert recorder.duration.cell("lab", "small").sum == 0.5


def test_clock_noise_never_gives_negative_overhead(recorder: Recorder, attempted: Make) -> None:
    """Waiting may be measured a hair longer than the whole."""
    recorder.request_done(attempted("small", waited=0.500001))
    assert recorder.overhead.cell("plain.chat").sum == 0.0


@pytest.mark.parametrize(("stream", "count"), [(True, 1), (False, 0)])
def test_time_to_first_token_is_a_streams(recorder: Recorder, attempted: Make, *, stream: bool, count: int) -> None:
    """A whole answer has no first token that a client could see."""
    recorder.request_done(attempted("small", first_content_at=100.2, fields={"stream": stream}))
    assert sum(recorder.first_token.cell("lab", "small").counts) == count


def test_tokens_are_counted_by_kind(recorder: Recorder, attempted: Make) -> None:
    """What the provider did not say adds nothing."""
    recorder.request_done(attempted("small", usage=Usage(input_tokens=10, output_tokens=4, cache_read_tokens=6)))
    recorder.request_done(attempted("small", usage=Usage(output_tokens=1, reasoning_tokens=1, cache_write_tokens=2)))
    kinds = {labels[2]: cell.value for labels, cell in recorder.tokens.cells.items()}
    assert kinds == {"input": 10.0, "output": 5.0, "cache_read": 6.0, "cache_write": 2.0, "reasoning": 1.0}


def test_attempts_are_counted_by_provider_and_result(recorder: Recorder, attempted: Make) -> None:
    """Each attempt counts for itself, whatever became of the request."""
    for result in (AttemptClass.REJECTED, AttemptClass.OK, AttemptClass.OK):
        attempt = attempted("small").attempts[0]
        attempt.result = result
        recorder.attempt_done(attempt)
    counts = {labels: cell.value for labels, cell in recorder.attempts.cells.items()}
    assert counts == {("lab", "rejected"): 1.0, ("lab", "ok"): 2.0}


@pytest.mark.parametrize("model", ["small", "tuned", "extra"])
def test_configured_models_keep_their_name(recorder: Recorder, attempted: Make, model: str) -> None:
    """The provider's models, targets in plugins' configs and the plugin's own list are shown."""
    recorder.request_done(attempted(model))
    assert [labels[2] for labels in recorder.requests.cells] == [model]


def test_made_up_models_share_one_series(recorder: Recorder, attempted: Make) -> None:
    """A hundred thousand names of a client's are one series and leave nothing behind."""
    exchange = attempted("m")
    for number in range(100_000):
        exchange.attempts[0].target = Target("lab", f"made-up-{number}")
        recorder.request_done(exchange)
    ((labels, cell),) = recorder.requests.cells.items()
    assert labels == ("plain.chat", "lab", "other", "200", "ok")
    assert cell.value == 100_000
    assert len(recorder._routes) == 1


def test_unknown_provider_is_other(recorder: Recorder, attempted: Make) -> None:
    """A target that names no provider is no label either."""
    exchange = attempted("small", "made-up")
    recorder.request_done(exchange)
    recorder.attempt_done(exchange.attempts[0])
    assert [labels[1:3] for labels in recorder.requests.cells] == [("other", "other")]
    assert [labels[0] for labels in recorder.attempts.cells] == ["other"]


@pytest.mark.parametrize(
    ("asked", "label"),
    [("fast", "fast"), ("small", "small"), ("lab/tuned", "tuned"), ("who/knows", "other"), ("made-up", "other")],
)
def test_request_without_attempt_is_counted_by_the_name_asked(
    recorder: Recorder, make_exchange: Make, asked: str, label: str
) -> None:
    """Refused before any provider was tried: the name counts when it is a known one."""
    recorder.request_done(make_exchange(model=asked, **{**ENDED, "status": 404, "outcome": "error"}))
    assert [labels[1:4] for labels in recorder.requests.cells] == [("none", label, "404")]


def test_number_of_routes_has_an_end(gateway: Gateway, attempted: Make) -> None:
    """Even known names are told apart only up to the configured number."""
    recorder = Recorder(max_series=10)
    recorder.names = KnownNames(gateway.registry, [], [f"known-{number}" for number in range(50)])
    for number in range(50):
        recorder.request_done(attempted(f"known-{number}"))
    models = {labels[2]: cell.value for labels, cell in recorder.requests.cells.items()}
    assert len(models) == 11
    assert models["other"] == 40
