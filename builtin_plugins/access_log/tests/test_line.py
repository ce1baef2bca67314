"""What one line says, and what it never says."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_access_log.line import LONGEST_NAME, LineMaker
from llmgate_access_log.redaction import Redaction
from llmgate_core import Attempt, Caller, Exchange, Key, Secret, Target, Usage
from llmgate_core.errors import InvalidRequest
from llmgate_core.upstream_errors import AttemptClass, UpstreamDisconnected

Make = Callable[..., Exchange]
CANARY = "CANARY-7f3a9b"
ENDED = {"status": 200, "outcome": "ok", "ended_at": 100.5, "waited": 0.4, "bytes_sent": 321}


@pytest.fixture
def maker() -> LineMaker:
    """Makes lines without content."""
    return LineMaker(Redaction())


def read(line: bytes) -> dict[str, Any]:
    """The line as a reader of lines sees it: exactly one, one JSON object."""
    assert line.endswith(b"\n")
    assert len(line.splitlines()) == 1
    assert len(line.decode("ascii").splitlines()) == 1
    value: dict[str, Any] = json.loads(line)
    return value


def tried(exchange: Exchange, *attempts: tuple[str, AttemptClass, Any]) -> Exchange:
    """The exchange with attempts at these providers."""
    provider: Any = SimpleNamespace(name="any")
    for number, (name, result, more) in enumerate(attempts, 1):
        attempt = Attempt(number, Target(name, "large"), provider, 100.0 + number)
        attempt.ended_at, attempt.result = 100.25 + number, result
        for field, value in more.items():
            setattr(attempt, field, value)
        exchange.attempts.append(attempt)
    return exchange


def test_line_tells_the_whole_story(maker: LineMaker, make_exchange: Make) -> None:
    """Who asked for what, where it went, how it ended, how long it took and what it cost."""
    exchange = make_exchange(
        model="fast",
        **ENDED,
        fields={"stream": True},
        caller=Caller("app"),
        first_content_at=100.25,
        finish_reason="stop",
        usage=Usage(input_tokens=10, output_tokens=5, cache_read_tokens=0),
    )
    key = Key(Secret(CANARY), "main")
    lost: Any = {"error": UpstreamDisconnected(CANARY), "key": key}
    tried(exchange, ("one", AttemptClass.AMBIGUOUS, lost), ("two", AttemptClass.OK, {"status": 200, "key": key}))
    assert read(maker.line(exchange)) == {
        "time": "2023-11-14T22:13:20.000Z",
        "id": "req_000000000000000000000000",
        "status": 200,
        "outcome": "ok",
        "dialect": "plain.chat",
        "operation": "chat",
        "ms": {"total": 500.0, "first_content": 250.0, "waited": 400.0, "overhead": 100.0},
        "model": "fast",
        "stream": True,
        "caller": "app",
        "peer": "127.0.0.1",
        "provider": "two",
        "target": "large",
        "key": "main",
        "finish_reason": "stop",
        "usage": {"input": 10, "output": 5, "cache_read": 0},
        "bytes": 321,
        "attempts": [
            {
                "provider": "one",
                "model": "large",
                "key": "main",
                "result": "ambiguous",
                "error": "upstream_disconnected",
                "ms": 250.0,
            },
            {"provider": "two", "model": "large", "key": "main", "status": 200, "result": "ok", "ms": 250.0},
        ],
    }


def test_refused_request_has_a_line(maker: LineMaker, make_exchange: Make) -> None:
    """What is not known is left out."""
    exchange = make_exchange(status=401, outcome="error", ended_at=100.0, error=InvalidRequest(CANARY, code="bad"))
    line = read(maker.line(exchange))
    assert line["status"] == 401
    assert line["error"] == "bad"
    assert not line.keys() & {"attempts", "provider", "key", "usage", "caller", "messages"}


def test_no_secret_and_no_prompt_is_in_a_line(maker: LineMaker, make_exchange: Make) -> None:
    """Headers, query, body, error texts and keys stay out."""
    exchange = make_exchange({"authorization": f"Bearer {CANARY}", "cookie": CANARY}, text=CANARY, **ENDED)
    exchange.error = InvalidRequest(f"{CANARY} is wrong", param=CANARY)
    exchange.response_headers["x-note"] = CANARY
    exchange.state["someone"] = CANARY
    tried(
        exchange, ("one", AttemptClass.REJECTED, {"key": Key(Secret(CANARY), "k"), "upstream_headers": {"a": CANARY}})
    )
    assert CANARY.encode() not in maker.line(exchange)


@pytest.mark.parametrize(
    "model",
    [
        '\n{"level":"error"}',
        "\x1b[31mred",
        "\x9b31m",
        "a\u2028b\u2029c\x85d",
        "é",
        "\udcff",
        "\x7f",
        '"\\',
        "日本",
    ],
)
def test_hostile_name_stays_inside_its_string(maker: LineMaker, make_exchange: Make, model: str) -> None:
    """Line ends, escapes, other scripts and broken text are escaped, and come back as they were."""
    exchange = make_exchange(**ENDED)
    exchange.request.model = model
    line = maker.line(exchange)
    assert read(line)["model"] == model
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])


@given(st.text(st.characters(), max_size=60))
def test_any_name_gives_one_ascii_line(name: str) -> None:
    """Whatever a client calls its model, the line is one line of printable ASCII."""
    maker = LineMaker(Redaction())
    told: dict[str, Any] = {"dialect": SimpleNamespace(name="d"), "head": SimpleNamespace(peer=""), "model": name}
    numbers = dict.fromkeys(("started", "received_at", "waited", "status", "bytes_sent"), 0)
    nothing = dict.fromkeys(("caller", "error", "finish_reason", "usage", "ended_at", "first_content_at"))
    words = {"id": "i", "outcome": "ok", "operation": "chat", "stream": False, "attempts": []}
    exchange: Any = SimpleNamespace(**told, **numbers, **nothing, **words)
    assert read(maker.line(exchange)).get("model", "") == Redaction().clean(name, LONGEST_NAME)


def test_long_name_is_cut_and_not_kept(maker: LineMaker, make_exchange: Make) -> None:
    """A name of a megabyte makes a short line and is not remembered."""
    exchange = make_exchange(model="m" * 1_000_000, **ENDED)
    assert len(read(maker.line(exchange))["model"]) == LONGEST_NAME + 1
    assert maker.names == {}


def test_names_are_remembered_up_to_a_number(maker: LineMaker, make_exchange: Make) -> None:
    """Clients that invent names do not fill the memory."""
    exchange = make_exchange(**ENDED)
    for number in range(5000):
        exchange.request.model = f"made-up-{number}"
        assert read(maker.line(exchange))["model"] == f"made-up-{number}"
    assert len(maker.names) <= 1024


def test_time_is_the_requests(maker: LineMaker, make_exchange: Make) -> None:
    """Each line has its own milliseconds, within one second and beyond."""
    told = [read(maker.line(make_exchange(**ENDED, started=1_700_000_000 + s)))["time"] for s in (0.5, 0.999, 1.25, 61)]
    assert told == [f"2023-11-14T22:{rest}Z" for rest in ("13:20.500", "13:20.999", "13:21.250", "14:21.000")]


def test_key_sent_as_a_model_is_not_shown(maker: LineMaker, make_exchange: Make) -> None:
    """A client that mixes up its settings does not put its key into the log."""
    exchange = make_exchange(model="sk-proj-7f3a9b2c5d8e1f04", **ENDED)
    assert read(maker.line(exchange))["model"] == "[redacted]"


def test_time_not_known_is_left_out(maker: LineMaker, make_exchange: Make) -> None:
    """Clock noise gives no negative overhead, and an exchange without an end has no total."""
    assert read(maker.line(make_exchange(**{**ENDED, "waited": 0.6})))["ms"]["overhead"] == 0.0
    assert read(maker.line(make_exchange(**{**ENDED, "ended_at": None})))["ms"] == {}
