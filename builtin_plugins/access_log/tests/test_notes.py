"""Lines made in a row are byte for byte the lines made one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from copy import copy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_access_log import AccessLogConfig, AccessLogPlugin, quick
from llmgate_access_log.line import LONGEST_NAME, LineMaker
from llmgate_access_log.notes import AT_ONCE
from llmgate_access_log.redaction import Redaction
from llmgate_core import Attempt, Caller, Exchange, Key, Secret, Target, Usage
from llmgate_core.errors import InvalidRequest
from llmgate_core.native import native
from llmgate_core.testing.exchanges import make_exchange
from llmgate_core.upstream_errors import AttemptClass, UpstreamDisconnected

ODD = st.sampled_from(
    [
        'a"b\\c',
        "é",
        "日本",
        "\udcff",
        "\x00\x1f\x7f",
        "a\nb\u2028c",
        "sk-7f3a9b2c5d8e1f04",
        "m" * 200,
        "m" * 201,
        "x" * 9000,
        "",
    ]
)
TEXTS = st.text(st.characters(), max_size=20) | ODD
SECONDS = st.floats(0, 1e6) | st.sampled_from([0.0, 1e-7, 4.9e-7, 5e-7, 0.0005, 0.9999995, 599.9999])
COUNTS = st.none() | st.integers(0, 2**40)
USAGES = st.none() | st.builds(
    lambda *counts: Usage(counts[0], counts[1], counts[2], counts[3], None, None, counts[4]), *[COUNTS] * 5
)
PROVIDER: Any = SimpleNamespace(name="any")


@pytest.fixture(scope="module", autouse=True, params=["c", "python"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything here is done in C, where that is built, and again in Python."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "python":
            patch.setattr(quick, "native", None)
        elif native is None:
            pytest.skip("llmgate-native is not built, or LLMGATE_PURE is set")
        yield


@cache
def example() -> Exchange:
    """Made once: a dialect of its own for each exchange would take these tests most of their time."""
    return make_exchange()


def fresh() -> Exchange:
    """An exchange that a test may change."""
    exchange = copy(example())
    exchange.request, exchange.head, exchange.attempts = copy(exchange.request), copy(exchange.head), []
    return exchange


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    """One attempt, in any state it may be left in."""
    attempt = Attempt(1, Target(draw(TEXTS), draw(TEXTS)), PROVIDER, 100.0)
    attempt.key = draw(st.none() | st.builds(Key, st.just(Secret("s")), TEXTS))
    attempt.status = draw(st.none() | st.integers(100, 599))
    attempt.ended_at = draw(st.none() | SECONDS.map(lambda seconds: 100.0 + seconds))
    attempt.result = draw(st.none() | st.sampled_from(AttemptClass))
    attempt.error = draw(st.none() | st.none() | st.just(UpstreamDisconnected("lost")))
    return attempt


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """A request that is over; four of five are of the usual kind, with one attempt and without an error."""
    exchange = fresh()
    exchange.request.model, exchange.request.stream = draw(TEXTS), draw(st.booleans())
    exchange.id, exchange.operation, exchange.head.peer = draw(TEXTS), draw(TEXTS), draw(TEXTS)
    exchange.started = draw(st.floats(0, 4e9))
    exchange.ended_at = draw(st.none() | SECONDS.map(lambda seconds: 100.0 + seconds))
    exchange.first_content_at = draw(st.none() | SECONDS.map(lambda seconds: 100.0 + seconds))
    exchange.waited, exchange.bytes_sent = draw(SECONDS), draw(st.integers(0, 2**50))
    exchange.status, exchange.outcome = draw(st.integers(0, 599)), draw(st.sampled_from(["ok", "error", "partial"]))
    exchange.finish_reason = draw(st.none() | st.sampled_from(["stop", "length"]))
    exchange.caller = draw(st.none() | st.builds(Caller, TEXTS))
    exchange.usage = draw(USAGES)
    exchange.error = draw(st.sampled_from([None] * 5 + [InvalidRequest("wrong", code="bad")]))
    exchange.attempts = draw(st.lists(attempts(), min_size=1, max_size=1) | st.lists(attempts(), max_size=3))
    return exchange


def logged(plugin: AccessLogPlugin, ended: list[Exchange]) -> None:
    """Open the log, let these requests end, stop."""
    gateway: Any = None

    async def serve() -> None:
        async with plugin.llmgate_lifespan(gateway):
            for exchange in ended:
                plugin.llmgate_post_response(exchange)

    asyncio.run(serve())


def written(ended: list[Exchange], **section: Any) -> bytes:
    """What stands in the log when these requests have ended and the gateway has stopped."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "access.log")
        logged(AccessLogPlugin(AccessLogConfig(file=file, **section)), ended)
        return file.read_bytes()


@settings(deadline=None, max_examples=150)
@given(st.lists(exchanges(), max_size=4))
def test_line_is_the_same_in_a_row_and_alone(ended: list[Exchange]) -> None:
    """Whatever the values are, and whatever stands beside them in the row; in the order in which the requests ended."""
    maker = LineMaker(Redaction())
    assert written(ended) == b"".join(map(maker.line, ended))


@settings(deadline=None, max_examples=30)
@given(st.lists(exchanges(), max_size=3))
def test_line_with_content_is_the_same_too(ended: list[Exchange]) -> None:
    """With messages in it, each line is made at once."""
    maker = LineMaker(Redaction(), 4000)
    assert written(ended, content=True) == b"".join(map(maker.line, ended))


def usual(number: int = 0, model: str = "m") -> Exchange:
    """A request with one attempt and a known usage."""
    exchange = fresh()
    exchange.status, exchange.outcome, exchange.ended_at, exchange.waited = 200, "ok", 100.5, 0.4
    exchange.id, exchange.request.model = f"req_{number}", model
    exchange.usage = Usage(input_tokens=number, output_tokens=5)
    attempt = Attempt(1, Target("one", "large"), PROVIDER, 100.1)
    attempt.ended_at, attempt.result, attempt.status = 100.4, AttemptClass.OK, 200
    exchange.attempts.append(attempt)
    return exchange


def test_many_requests_are_all_told_in_order() -> None:
    """More than are noted at a time, the last ones fewer than that."""
    ended = [usual(number) for number in range(AT_ONCE * 3 + 5)]
    lines = written(ended).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [exchange.id for exchange in ended]


def test_value_that_no_line_can_hold_costs_its_own_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another plugin's mistake about a request does not take its neighbours' lines along, is told, and is counted."""
    ended = [usual(number) for number in range(5)]
    ended[1].waited = float("nan")
    ended[3].finish_reason = object()  # type: ignore[assignment]  # the mistake
    plugin = AccessLogPlugin(AccessLogConfig(file=tmp_path / "access.log"))
    logged(plugin, ended)
    lines = (tmp_path / "access.log").read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["req_0", "req_2", "req_4"]
    assert caplog.text.count("a request's line could not be made") == 2
    (gauge,) = plugin.gauges()
    assert list(gauge.read()) == [(("dropped",), 0.0), (("failed",), 2.0)]


async def test_little_is_held_back(tmp_path: Path) -> None:
    """Only so many requests wait for their line, none with a long name or an error: what waits stays small."""
    gateway: Any = None
    plugin = AccessLogPlugin(AccessLogConfig(file=tmp_path / "access.log"))
    async with plugin.llmgate_lifespan(gateway):
        for number in range(AT_ONCE - 1):
            plugin.llmgate_post_response(usual(number))
            assert len(plugin._notes) == number + 1
        plugin.llmgate_post_response(usual())
        assert plugin._notes == []
        failed = usual()
        failed.attempts[0].error = UpstreamDisconnected("lost")
        for unusual in (usual(model="m" * (LONGEST_NAME + 1)), failed, fresh()):
            plugin.llmgate_post_response(usual())
            plugin.llmgate_post_response(unusual)
            assert plugin._notes == []


async def test_line_comes_without_a_stop_and_without_a_second_request(tmp_path: Path) -> None:
    """A quiet gateway's only request is in the file soon."""
    gateway: Any = None
    file = tmp_path / "access.log"
    plugin = AccessLogPlugin(AccessLogConfig(file=file))
    async with plugin.llmgate_lifespan(gateway):
        for number in range(2):
            plugin.llmgate_post_response(usual(number))
            while file.read_bytes().count(b"\n") <= number:  # noqa: ASYNC110  # a thread fills it
                await asyncio.sleep(0.01)


async def test_last_lines_are_written_when_the_gateway_is_cancelled(tmp_path: Path) -> None:
    """A stop that does not wait takes no line along."""
    gateway: Any = None
    file = tmp_path / "access.log"
    plugin = AccessLogPlugin(AccessLogConfig(file=file))

    async def serve() -> None:
        async with plugin.llmgate_lifespan(gateway):
            plugin.llmgate_post_response(usual())
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert file.read_bytes().count(b"\n") == 1


def test_log_that_is_not_open_says_so() -> None:
    """Without its lifespan there is nowhere to write to."""
    with pytest.raises(RuntimeError, match="not open"):
        AccessLogPlugin(AccessLogConfig()).llmgate_post_response(usual())


def test_seconds_are_remembered_up_to_a_number() -> None:
    """Requests that began at very different times give right times, and fill no memory."""
    maker = LineMaker(Redaction())
    for number in range(1000):
        assert maker.clock.text(number * 60 + 0.25) == f"1970-01-01T{number // 60:02d}:{number % 60:02d}:00.250Z"
    assert len(maker.clock.seconds) <= 256
