"""A whole answer written by the twin is, byte for byte, what the core writes when it takes its time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.wire import lean_responder
from llmgate_core.wire.lean_responder import LeanResponder
from llmgate_core.wire.outbox import Outbox


class Wire:
    """Stands for asyncio's transport, and keeps what is written to it."""

    def __init__(self, *, closing: bool = False) -> None:
        self.seen: list[Any] = []
        self.closing = closing

    def write(self, data: bytes) -> None:
        self.seen.append(data)

    def writelines(self, pieces: Any) -> None:
        self.seen.append(tuple(pieces))

    def is_closing(self) -> bool:
        return self.closing


class Text(str):
    """A str that is no plain str."""

    __slots__ = ()


class Headers(dict[str, str]):
    """A dict that says something else than it holds."""

    def items(self) -> Any:
        return [("x-said", "yes")]

    def values(self) -> Any:
        return ["yes"]


async def written(answer: Any, status: int, headers: Any, body: Any, more: dict[str, Any]) -> Any:
    """What a transport gets; or the class of what is raised. With the twin ``answer``, or without."""
    wire = Wire(closing=more.get("left", False))
    connection = SimpleNamespace(transport=wire, closing=more.get("closing", False), drained=None)
    lane = SimpleNamespace(
        draining=more.get("draining", False),
        outbox=Outbox(asyncio.get_running_loop()),
        date_and_server="date: now\r\nserver: llmgate",
    )
    dialect = SimpleNamespace(request_id_header=more.get("own", "x-request-id"))
    exchange = SimpleNamespace(id=more.get("id", "id-1"), dialect=dialect)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lean_responder, "_answer", answer)
        responder = LeanResponder(connection, exchange, lane)  # type: ignore[arg-type]  # all that an answer needs of them
        try:
            responder.whole(status, headers, body)
        except (ConnectionError, TypeError, UnicodeError) as error:
            return type(error), wire.seen
    lane.outbox.flush()
    return wire.seen, connection.closing, responder.ended


anything = st.text(max_size=12) | st.sampled_from(
    ["application/json", "a\r\nb: c", "\x7f", "é", "\x80", "😀", "\ud800", "", "\t", " ", "x" * 5000, Text("sub")]
)
headers = st.dictionaries(anything, anything, max_size=5)
bodies = st.sampled_from([b"", b"{}", b"x" * 65_535, b"x" * 65_536, b"x" * 70_000])
more = st.fixed_dictionaries(
    {"closing": st.booleans(), "draining": st.booleans(), "left": st.sampled_from([False, False, False, True])},
    optional={"own": st.just("request-id") | anything, "id": anything},
)


@settings(max_examples=400)
@given(st.sampled_from([200, 204, 404, 429, 529, 599]), headers, bodies, more)
async def test_both_write_the_same(compiled: Any, status: int, headers: Any, body: bytes, more: Any) -> None:
    """For any text in headers and ids, for a connection that stays or closes, and for small and large bodies."""
    expected = await written(None, status, headers, body, more)
    assert await written(compiled.answer, status, headers, body, more) == expected


@pytest.mark.parametrize("count", [0, 1, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 1000])
@pytest.mark.parametrize("own", ["x-request-id", "request-id"])
async def test_any_number_of_headers(compiled: Any, count: int, own: str) -> None:
    """Around the number where the twin gives up, and far beyond, both write the same."""
    headers = {f"h{number}": "v" * (number % 7) for number in range(count)}
    expected = await written(None, 200, headers, b"{}", {"own": own, "closing": True})
    assert await written(compiled.answer, 200, headers, b"{}", {"own": own, "closing": True}) == expected


@pytest.mark.parametrize(
    "body", [bytearray(b"{}"), memoryview(b"{}"), bytearray(70_000)], ids=["array", "view", "large"]
)
async def test_bodies_that_are_no_bytes(compiled: Any, body: Any) -> None:
    """They are left to Python."""
    assert await written(compiled.answer, 200, {}, body, {}) == await written(None, 200, {}, body, {})


async def test_a_mapping_has_the_last_word(compiled: Any) -> None:
    """A dict of a class of its own is asked for what it says it holds."""
    expected = await written(None, 200, Headers(a="b"), b"{}", {})
    assert b"x-said: yes" in expected[0][0]
    assert await written(compiled.answer, 200, Headers(a="b"), b"{}", {}) == expected


async def test_usual_answers_are_written_by_the_twin(compiled: Any) -> None:
    """Which says so: it does not leave all of them to Python, nor what it must not write."""
    box, date = Outbox(asyncio.get_running_loop()), "date: now\r\nserver: llmgate"

    def tried(headers: Any) -> Any:
        closes = False
        return compiled.answer(Wire(), box, "HTTP/1.1 200 OK", headers, "x-request-id", "1", closes, date, b"{}")

    assert tried({"content-type": "application/json"}) is True
    assert [tried({"a": value}) for value in ("\n", "é", Text("a"), "\x7f")] == [False] * 4
    with pytest.raises(TypeError):
        compiled.answer()


@pytest.mark.parametrize("wrong", [1, None, b"bytes"])
async def test_what_is_no_text(compiled: Any, wrong: Any) -> None:
    """Raises as in Python, or is left to it; it does not crash."""
    for headers in ({"a": wrong}, {wrong: "a"}, wrong):
        outcomes = []
        for answer in (None, compiled.answer):
            try:
                outcomes.append(await written(answer, 200, headers, b"{}", {}))
            except Exception as error:  # noqa: BLE001  # whatever it is, both must raise it
                outcomes.append(type(error))
        assert outcomes[0] == outcomes[1]
