"""The numbers of a served gateway."""

from __future__ import annotations

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import say
from llmgate_metrics import MetricsPlugin


def samples(text: str) -> dict[str, float]:
    """``{sample{labels}: value}``."""
    return {
        f"{sample.name}{{{','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_scrape_after_traffic(serve_gateway: ServeGateway) -> None:
    """Whole answers, a stream, an unknown model: what a client did is what a scraper reads."""
    async with serve_gateway(plugins=[MetricsPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        for body in (say(), say(), say("a b c", stream=True), say(model="parrot/made-up"), say(model="nobody")):
            async with client.post("/plain/chat", json=body) as answer:
                await answer.read()
        async with client.get("/metrics") as scrape:
            assert scrape.status == 200
            assert scrape.headers["content-type"].startswith("text/plain; version=")
            assert scrape.headers["cache-control"] == "no-store"
            text = await scrape.text()
    found = samples(text)
    route = "dialect=plain.chat,model=any,outcome=ok,provider=parrot,status=200"
    assert found[f"llmgate_requests_total{{{route}}}"] == 3.0
    assert found[f"llmgate_requests_total{{{route.replace('any', 'other')}}}"] == 1.0
    refused = "dialect=plain.chat,model=other,outcome=error,provider=none,status=404"
    assert found[f"llmgate_requests_total{{{refused}}}"] == 1.0
    assert found["llmgate_attempts_total{provider=parrot,result=ok}"] == 4.0
    assert found["llmgate_tokens_total{kind=output,model=any,provider=parrot}"] == 3.0
    assert found["llmgate_time_to_first_token_seconds_count{model=any,provider=parrot}"] == 1.0
    assert found["llmgate_overhead_seconds_count{dialect=plain.chat}"] == 5.0
    assert found["llmgate_active_requests{}"] == 0.0
    assert "nobody" not in text
    assert "made-up" not in text


async def test_made_up_names_add_no_series(serve_gateway: ServeGateway) -> None:
    """Names, users and agents of a client's own invention leave the number of lines as it is."""
    async with serve_gateway(plugins=[MetricsPlugin]) as server, aiohttp.ClientSession(server.url) as client:
        sizes = []
        for number in range(20):
            for model in (f"parrot/made-up-{number}", f"nobody-{number}"):
                body = say(model=model, user=f"u{number}")
                async with client.post("/plain/chat", json=body, headers={"user-agent": f"a{number}"}) as answer:
                    await answer.read()
            async with client.get("/metrics") as scrape:
                text = await scrape.text()
                sizes.append(len([line for line in text.splitlines() if line.startswith("llmgate_")]))
    assert len(set(sizes)) == 1
