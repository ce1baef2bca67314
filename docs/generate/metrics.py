"""The metrics, out of a real scrape: a gateway is served, asked, and read."""

from __future__ import annotations

import asyncio
import tempfile
from typing import Any, Final

import aiohttp
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from llmgate_core.testing import serve_gateway

from .installed import standard
from .markdown import code, generated, table

PROVIDERS: Final = {"openai": {"base_url": "http://127.0.0.1:1/v1", "keys": ["sk-of-the-reference"]}}
LEAD: Final = """
`GET /metrics` answers in Prometheus' text format (or OpenMetrics, for who asks for it). Label values come from the
configuration, never from a client: a model that no config names is `other`, and `none` means that a request ended
before a provider was tried. No key's value is ever in a label, only its name or a short hash.
"""
HINTS: Final = """
## What to look at

- **Is it the gateway or the provider?** `llmgate_overhead_seconds` is the gateway's own time: duration less what
  was waited for providers.
- **Is a provider ill?** The rate of `llmgate_attempts_total{result!="ok"}` by `provider`, against that of all
  attempts.
- **Do clients notice?** `llmgate_requests_total` by `status` and `outcome`. Attempts that failed while requests are
  `ok` were mended by a retry or a fallback.
- **Are keys exhausted?** `llmgate_key_state` tells which keys rest or are retired.
- **Does a plugin fail in silence?** `llmgate_hook_errors_total` counts exceptions of hooks that only observe.

[How to deploy](../how-to/deploy.md#metrics) has the scrape config.
"""


def page() -> str:
    """The reference page."""
    rows = [
        (code(_name(family)), family.type, ", ".join(map(code, _labels(family))), family.documentation)
        for family in families()
    ]
    shown = table(("metric", "type", "labels", "what"), rows)
    return "\n\n".join((generated("Metrics", LEAD).strip(), shown, HINTS.strip())) + "\n"


def families() -> list[Metric]:
    """Every family of a scrape, after two requests: one that is answered as a stream, and one that fails."""
    with tempfile.TemporaryDirectory() as folder:
        plugins = {"access_log": {"file": f"{folder}/log"}, "retry": {"base_delay": 0.001}}
        text = asyncio.run(_scrape({"providers": PROVIDERS, "plugins": plugins}))
    return list(text_string_to_metric_families(text))


async def _scrape(config: dict[str, Any]) -> str:
    chat: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello!"}], "stream": True}
    names = [one.name for one in standard()]
    async with serve_gateway(config, installed=names, plain=False) as server, aiohttp.ClientSession() as session:
        for model in ("echo/echo", "openai/gpt-4o"):
            async with session.post(f"{server.url}/v1/chat/completions", json={**chat, "model": model}) as answer:
                await answer.read()
        async with session.get(f"{server.url}/metrics") as answer:
            return await answer.text()


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _labels(family: Metric) -> list[str]:
    return list(dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le"))
