"""Several worker processes: any of them answers for all."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from llmgate_core import EndpointResponse, Exchange
from llmgate_core.config import ConfigError
from llmgate_core.gateway import Gateway
from llmgate_metrics import WORKERS_FOLDER, MetricsPlugin
from llmgate_metrics.series import Counters, Histograms, Reading
from llmgate_metrics.shared import PER_WORKER, SUMMED, SharedNumbers

Make = Callable[..., Exchange]
MakeGateway = Callable[..., Gateway]
Scrape = Callable[..., Awaitable[EndpointResponse]]

OTHER_WORKER = """
    import sys
    from pathlib import Path
    from llmgate_metrics.series import Counters, Histograms, Reading
    from llmgate_metrics.shared import SharedNumbers

    numbers = SharedNumbers(Path(sys.argv[1]))
    counters = Counters("llmgate_attempts", "h", ("provider", "result"))
    counters.cell("lab", "ok").value = 40
    histogram = Histograms("llmgate_overhead_seconds", "h", ("dialect",), (0.001, 1.0))
    histogram.cell("plain.chat").observe(0.5)
    numbers.write([counters], [histogram])
    numbers.write_gauges([Reading("llmgate_active_requests", "h", (), [((), 5.0)])], "livesum")
    print("written", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the workers of this test meet."""
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    return tmp_path


def samples(text: str) -> dict[str, float]:
    """``{sample{labels without pid}: value}`` of a scrape."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "pid")
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def read(numbers: SharedNumbers) -> dict[str, float]:
    """The same of the merged files."""
    return {
        f"{sample.name}{{{','.join(f'{n}={v}' for n, v in sorted(sample.labels.items()) if n != 'pid')}}}": sample.value
        for metric in numbers.read()
        for sample in metric.samples
    }


def plugin_of(gateway: Gateway) -> MetricsPlugin:
    """The gateway's instance of this plugin."""
    (found,) = [loaded.instance for loaded in gateway.plugins if loaded.name == "metrics"]
    assert isinstance(found, MetricsPlugin)
    return found


def ended(exchange: Exchange) -> Exchange:
    """A request that was refused before any attempt."""
    exchange.status, exchange.outcome, exchange.ended_at = 404, "error", 100.5
    return exchange


async def test_scrape_sums_over_processes(
    folder: Path, make_gateway: MakeGateway, make_exchange: Make, scrape: Scrape
) -> None:
    """Counters and histograms of another process are in this one's answer, and what is in flight adds up."""
    gateway = make_gateway()
    plugin = plugin_of(gateway)
    script = textwrap.dedent(OTHER_WORKER)
    async with plugin.llmgate_lifespan(gateway):
        other = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, str(folder)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdout is not None
        assert await other.stdout.readline() == b"written\n"
        plugin.llmgate_post_response(ended(make_exchange()))
        gateway.active = 2
        both = samples((await scrape(gateway)).body.decode())
        await other.communicate(b"")
        alone = samples((await scrape(gateway)).body.decode())
    assert both["llmgate_attempts_total{provider=lab,result=ok}"] == 40.0
    assert both["llmgate_overhead_seconds_count{dialect=plain.chat}"] == 2.0
    assert both["llmgate_active_requests{}"] == 7.0
    assert both["llmgate_lab_level{key=k1}"] == 1.0
    assert alone["llmgate_attempts_total{provider=lab,result=ok}"] == 40.0, "what a worker counted outlives it"
    assert alone["llmgate_active_requests{}"] == 2.0, "what it had in flight does not"


async def test_change_is_written_without_a_scrape(folder: Path, make_gateway: MakeGateway, make_exchange: Make) -> None:
    """Another worker reads what this one counted, although nobody ever scrapes this one."""
    gateway = make_gateway()
    plugin = plugin_of(gateway)
    reader = SharedNumbers(folder)
    async with plugin.llmgate_lifespan(gateway):
        plugin.llmgate_pre_request()
        plugin.llmgate_post_response(ended(make_exchange()))
        written = plugin._writing
        assert written is not None
        await asyncio.sleep(written.when() - asyncio.get_running_loop().time() + 0.01)
        assert any(name.startswith("llmgate_requests_total") for name in read(reader))


async def test_leaving_writes_the_last_numbers(folder: Path, make_gateway: MakeGateway, make_exchange: Make) -> None:
    """A worker that is stopped at once leaves its counters, and takes its gauges along."""
    gateway = make_gateway()
    plugin = plugin_of(gateway)
    async with plugin.llmgate_lifespan(gateway):
        plugin.llmgate_post_response(ended(make_exchange()))
    found = read(SharedNumbers(folder))
    assert sum(value for name, value in found.items() if name.startswith("llmgate_requests_total")) == 1.0
    assert "llmgate_active_requests{}" not in found


async def test_reload_never_counts_twice_and_never_back(
    folder: Path, make_gateway: MakeGateway, make_exchange: Make, scrape: Scrape
) -> None:
    """Old and new instance in one process, both still counting: every scrape sees the exact sum."""
    old, new = make_gateway(), make_gateway()
    seen = []
    async with plugin_of(old).llmgate_lifespan(old):
        plugin_of(old).llmgate_post_response(ended(make_exchange()))
        async with plugin_of(new).llmgate_lifespan(new):
            for gateway in (old, new, old, new):
                plugin_of(gateway).llmgate_post_response(ended(make_exchange()))
                await scrape(old)
                text = (await scrape(new)).body.decode()
                seen.append(sum(v for n, v in samples(text).items() if n.startswith("llmgate_requests_total")))
    assert seen == [2.0, 3.0, 4.0, 5.0]


def test_gauge_that_is_gone_is_not_shown(tmp_path: Path) -> None:
    """A reading that a plugin no longer gives does not linger with its last value."""
    numbers = SharedNumbers(tmp_path)
    numbers.write_gauges([Reading("g", "h", ("key",), [(("a",), 1.0), (("b",), 2.0)])], PER_WORKER)
    assert set(read(numbers)) == {"g{key=a}", "g{key=b}"}
    numbers.write_gauges([Reading("g", "h", ("key",), [(("b",), 3.0)])], PER_WORKER)
    assert read(numbers) == {"g{key=b}": 3.0}
    numbers.close()


def test_files_of_others_do_no_harm(tmp_path: Path) -> None:
    """A file that is only being made, or left by a process that died, is passed over."""
    (tmp_path / "counter_1-abc.db").touch()
    numbers = SharedNumbers(tmp_path)
    numbers.write_gauges([Reading("g", "h", (), [((), 1.0)])], SUMMED)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    mine = next(tmp_path.glob("gauge_livesum_*.db"))
    (tmp_path / f"gauge_livesum_{gone.pid}-dead.db").write_bytes(mine.read_bytes())
    assert read(numbers) == {"g{}": 1.0}
    numbers.close()


def test_files_grow_with_the_number_of_series(tmp_path: Path) -> None:
    """More series than fit into a new file are all there, and buckets stay cumulative."""
    numbers = SharedNumbers(tmp_path)
    counters = Counters("c", "h", ("n",))
    histogram = Histograms("s", "h", ("n",), (1.0, 2.0))
    for number in range(2000):
        counters.cell(f"{number}").value = number
        histogram.cell(f"{number}").observe(1.5)
    numbers.write([counters], [histogram])
    found = read(numbers)
    assert all(found[f"c_total{{n={number}}}"] == number for number in range(2000))
    assert found["s_bucket{le=1.0,n=7}"] == 0.0
    assert found["s_bucket{le=2.0,n=7}"] == found["s_count{n=7}"] == 1.0
    numbers.close()


async def test_missing_folder_ends_the_start(make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that names no directory is told, with what to do."""
    monkeypatch.setenv(WORKERS_FOLDER, "/no/such/folder")
    gateway = make_gateway()
    with pytest.raises(ConfigError, match="no directory"):
        async with plugin_of(gateway).llmgate_lifespan(gateway):
            pass
