"""What a scraper reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from llmgate_core import Attempt, EndpointRequest, EndpointResponse, EndpointRouter, Exchange, Head, Target, Usage
from llmgate_core.gateway import Gateway
from llmgate_core.strict import MistakesFound, structure
from llmgate_core.upstream_errors import AttemptClass
from llmgate_metrics import MetricsConfig, MetricsPlugin

Make = Callable[..., Exchange]
MakeGateway = Callable[..., Gateway]
Scrape = Callable[..., Awaitable[EndpointResponse]]


def plugin_of(gateway: Gateway) -> MetricsPlugin:
    """The gateway's instance of this plugin."""
    (found,) = [loaded.instance for loaded in gateway.plugins if loaded.name == "metrics"]
    assert isinstance(found, MetricsPlugin)
    return found


def values(answer: EndpointResponse) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """``{(sample, labels): value}`` of an answer in the text format."""
    families = list(parse_text(answer.body.decode()))
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def get(answer: EndpointResponse, sample: str, **labels: str) -> float:
    """One value."""
    return values(answer)[sample, frozenset(labels.items())]


def end(plugin: MetricsPlugin, gateway: Gateway, exchange: Exchange) -> None:
    """One request to the lab that ended well."""
    attempt = Attempt(1, Target("lab", exchange.model), gateway.registry.providers["lab"], 100.1)
    attempt.result = AttemptClass.OK
    exchange.attempts.append(attempt)
    exchange.status, exchange.outcome, exchange.ended_at = 200, "ok", 100.5
    exchange.usage = Usage(input_tokens=3, output_tokens=1)
    plugin.llmgate_attempt_done(attempt)
    plugin.llmgate_post_response(exchange)


async def test_scrape_tells_everything(make_gateway: MakeGateway, make_exchange: Make, scrape: Scrape) -> None:
    """Requests, attempts, durations, tokens, what is in flight, gauges of plugins and failures of observers."""
    gateway = make_gateway()
    plugin = plugin_of(gateway)
    async with plugin.llmgate_lifespan(gateway):
        end(plugin, gateway, make_exchange(model="small"))
        gateway.active = 2
        answer = await scrape(gateway)
    assert answer.status == 200
    assert answer.content_type.startswith("text/plain; version=")
    ended = {"dialect": "plain.chat", "provider": "lab", "model": "small", "status": "200", "outcome": "ok"}
    assert get(answer, "llmgate_requests_total", **ended) == 1.0
    assert get(answer, "llmgate_attempts_total", provider="lab", result="ok") == 1.0
    assert get(answer, "llmgate_request_duration_seconds_count", provider="lab", model="small") == 1.0
    assert get(answer, "llmgate_request_duration_seconds_bucket", provider="lab", model="small", le="0.5") == 1.0
    assert get(answer, "llmgate_overhead_seconds_count", dialect="plain.chat") == 1.0
    assert get(answer, "llmgate_tokens_total", provider="lab", model="small", kind="input") == 3.0
    assert get(answer, "llmgate_active_requests") == 2.0
    assert get(answer, "llmgate_lab_level", key="k1") == 1.0


async def test_failures_of_observers_are_told(make_gateway: MakeGateway, scrape: Scrape) -> None:
    """The core counts them, the scrape shows them by plugin and hook."""
    gateway = make_gateway()
    gateway.hooks.errors["lab", "llmgate_post_response"] = 3
    async with plugin_of(gateway).llmgate_lifespan(gateway):
        answer = await scrape(gateway)
    assert get(answer, "llmgate_hook_errors_total", plugin="lab", hook="llmgate_post_response") == 3.0


async def test_openmetrics_is_spoken_to_who_asks(
    make_gateway: MakeGateway, make_exchange: Make, scrape: Scrape
) -> None:
    """The answer follows the Accept header, and is what the format's own parser accepts."""
    gateway = make_gateway()
    plugin = plugin_of(gateway)
    async with plugin.llmgate_lifespan(gateway):
        end(plugin, gateway, make_exchange(model="small"))
        answer = await scrape(gateway, accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(answer.body.decode())  # type: ignore[no-untyped-call]  # has no annotations
    names = {family.name for family in families}
    assert {"llmgate_requests", "llmgate_overhead_seconds", "llmgate_lab_level"} <= names


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain;version=x", "application/openmetrics-text; version=;;", "\udcff"]
)
async def test_odd_accept_header_gets_the_text_format(make_gateway: MakeGateway, scrape: Scrape, accept: str) -> None:
    """No Accept header makes a scrape fail."""
    gateway = make_gateway()
    async with plugin_of(gateway).llmgate_lifespan(gateway):
        assert (await scrape(gateway, accept=accept)).status == 200


async def test_broken_gauge_costs_itself_only(
    make_gateway: MakeGateway, scrape: Scrape, caplog: pytest.LogCaptureFixture
) -> None:
    """Label values that do not fit are told in the log; the other numbers are there."""
    gateway = make_gateway()
    (lab,) = [loaded.instance for loaded in gateway.plugins if loaded.name == "lab"]
    async with plugin_of(gateway).llmgate_lifespan(gateway):
        for broken in ([(("a", "b"), 1.0)], [(("a",), "much")], 5):
            lab.readings = broken
            answer = await scrape(gateway)
            assert get(answer, "llmgate_active_requests") == 0.0
            assert b"lab_level" not in answer.body
    assert caplog.text.count("llmgate_lab_level") >= 3


async def test_two_gateways_count_for_themselves(
    make_gateway: MakeGateway, make_exchange: Make, scrape: Scrape
) -> None:
    """A second gateway in the process, or the one after a reload, begins at nothing."""
    old, new = make_gateway(), make_gateway()
    async with plugin_of(old).llmgate_lifespan(old), plugin_of(new).llmgate_lifespan(new):
        end(plugin_of(old), old, make_exchange(model="small"))
        assert b"llmgate_requests_total{" in (await scrape(old)).body
        assert b"llmgate_requests_total{" not in (await scrape(new)).body


async def test_labels_are_escaped(make_gateway: MakeGateway, make_exchange: Make, scrape: Scrape) -> None:
    """A name with quotes, a line end or an escape stays one label value."""
    odd = 'a"b\\c\nllmgate_fake 1'
    gateway = make_gateway(models=[odd])
    plugin = plugin_of(gateway)
    async with plugin.llmgate_lifespan(gateway):
        end(plugin, gateway, make_exchange(model=odd))
        answer = await scrape(gateway)
    assert get(answer, "llmgate_tokens_total", provider="lab", model=odd, kind="input") == 3.0
    assert ("llmgate_fake", frozenset()) not in values(answer)


async def test_path_and_token_are_configurable(make_gateway: MakeGateway, scrape: Scrape) -> None:
    """With a token, only who has it may scrape."""
    gateway = make_gateway(path="/internal/metrics", token="scrape-me-please")
    async with plugin_of(gateway).llmgate_lifespan(gateway):
        good = await scrape(gateway, "/internal/metrics", authorization="Bearer scrape-me-please")
        assert good.status == 200
        wrong: list[Any] = [{}, {"authorization": "Bearer \udcff"}, {"authorization": "Basic scrape-me-please"}]
        for headers in wrong:
            refused = await scrape(gateway, "/internal/metrics", **headers)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_scrape_before_the_gateway_is_open_is_503() -> None:
    """There is nothing to tell yet."""
    router = EndpointRouter()
    plugin = MetricsPlugin(MetricsConfig())
    plugin.llmgate_register_routes(router)
    answer = await router.routes["GET", "/metrics"](EndpointRequest(Head("GET", "/metrics", "", {})))
    assert answer.status == 503


@pytest.mark.parametrize(
    ("section", "field"), [({"path": "metrics"}, "path"), ({"max_series": 1}, "max_series"), ({"model": []}, "models")]
)
def test_bad_config_names_the_field(section: dict[str, Any], field: str) -> None:
    """A mistake says where it is."""
    with pytest.raises(MistakesFound, match=field):
        structure(section, MetricsConfig, "plugins.metrics")
