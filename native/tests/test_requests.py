"""A client's connection whose hot half is compiled begins the requests that the one in Python begins."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.wire import quick_requests
from llmgate_core.wire.quick_requests import Known

BEFORE = b"POST /a HTTP/1.1\r\nhost: b\r\ncontent-length: "
AFTERS = (b"\r\n\r\n", b"\r\naccept: */*\r\n\r\n")


def heir(requests: Any) -> Any:
    """A connection with the least that its hot half leaves open; it tells what it is asked."""

    class Requests(requests):  # type: ignore[misc]  # chosen at run time
        def __init__(self, lane: Any) -> None:
            super().__init__(lane)
            self.told: list[Any] = []

        def _begin(self, known: Any, length: int, data: bytes, at: int) -> None:
            self.told.append(("begin", known.longest, length, data, at))
            self._pending = known

        def _take(self, data: Any) -> None:
            self.told.append(("take", bytes(data)))
            self._pending = None

        def _patiently(self, data: bytes) -> None:
            self.told.append(("patiently", data))
            self._buffer = b"" if data.endswith(b"!") else data

        async def _serve(self, known: Any, body: bytes) -> None:
            self.told.append(("serve", body))
            await asyncio.sleep(0)
            self._task = None

    return Requests


class Side:
    """One of the two, on ground of its own, and what a script does with it."""

    def __init__(self, requests: Any) -> None:
        self.lane = SimpleNamespace(
            loop=asyncio.get_running_loop(), context=copy_context(), serving="one", draining=False
        )
        self.requests = heir(requests)(self.lane)

    async def do(self, kind: str, what: Any) -> Any:
        """One step, and all that follows from it; the class of what it raises."""
        try:
            getattr(self, kind)(what)
        except (TypeError, ValueError, AttributeError) as error:
            return type(error)
        for _ in range(4):
            await asyncio.sleep(0)
        return None

    def knows(self, what: Any) -> None:
        after, close, longest, serving, may_wait = what
        self.requests._known = known(after, close=close, longest=longest, serving=serving, may_wait=may_wait)

    def forget(self, _: Any) -> None:
        self.requests._known = None

    def receive(self, data: bytes) -> None:
        self.requests.data_received(data)

    def start(self, body: bytes) -> None:
        if self.requests._known is not None:
            self.requests._start(self.requests._known, body)

    def lane_is(self, what: Any) -> None:
        setattr(self.lane, *what)

    def busy(self, is_busy: Any) -> None:
        self.requests._task = is_busy

    def buffer(self, data: bytes) -> None:
        self.requests._buffer = data

    def said(self) -> Any:
        """All that can be seen from outside."""
        one = self.requests
        return one.told, one.closing, one._buffer, one._pending is None, one._task, one.since > 0


def known(after: bytes, *, close: bool = False, longest: int = 99, serving: Any = "one", may_wait: bool = False) -> Any:
    """A head that came before."""
    head: Any = None
    return Known(BEFORE, after, head, head, close, longest, serving, may_wait)


lengths = st.sampled_from(
    [b"0", b"3", b"03", b"00000003", b"000000003", b"", b"+3", b"-3", b" 3", b"3 ", b"\xb3", b"4"]
)
pieces = st.builds(
    lambda before, length, after, body: before + length + after + body,
    st.sampled_from([BEFORE, BEFORE, BEFORE, BEFORE[:-1], b"GET"]),
    lengths,
    st.sampled_from([*AFTERS, AFTERS[0][:-1], b"\n\n", b""]),
    st.sampled_from([b"", b"abc", b"abc", b"abcd", b"abc!", b"!"]),
)
servings = st.sampled_from(["one", "two"])
steps = st.one_of(
    st.tuples(
        st.just("knows"),
        st.tuples(st.sampled_from(AFTERS), st.booleans(), st.sampled_from([2, 3, 99]), servings, st.booleans()),
    ),
    st.tuples(st.just("receive"), pieces),
    st.tuples(st.just("receive"), pieces | st.binary(max_size=3)),
    st.tuples(st.just("receive"), pieces),
    st.tuples(st.just("start"), st.binary(max_size=3)),
    st.tuples(st.just("buffer"), st.sampled_from([b"", b"", b"x"])),
    st.tuples(st.just("busy"), st.sampled_from([None, None, "busy"])),
    st.tuples(st.just("forget"), st.none()),
    st.tuples(
        st.just("lane_is"),
        st.sampled_from([("draining", True), ("draining", False), ("serving", "one"), ("serving", "two")]),
    ),
)
FIRST = ("knows", (AFTERS[0], False, 99, "one", False))


@settings(max_examples=300)
@given(st.lists(steps, max_size=20))
async def test_both_do_the_same(compiled: Any, script: list[Any]) -> None:
    """After each step of any script: the same requests served or begun, the same bytes left for who looks at them."""
    sides = [Side(quick_requests.QuickRequests), Side(compiled.QuickRequests)]
    for kind, what in (FIRST, *script):
        raised = [await side.do(kind, what) for side in sides]
        assert raised[0] == raised[1], kind
        assert sides[0].said() == sides[1].said(), kind


async def test_a_known_request_is_served_at_once(compiled: Any) -> None:
    """The usual one begins within the call that brings it; where a plugin may wait, in a task; one that waits behind, later."""
    side = Side(compiled.QuickRequests)
    side.knows((AFTERS[0], False, 99, "one", False))
    side.receive(BEFORE + b"2" + AFTERS[0] + b"{}")
    assert side.requests.told == [("serve", b"{}")]
    assert type(side.requests._task) is compiled.Drive
    await side.do("busy", None)
    side.start(b"later")
    assert side.requests.told == [("serve", b"{}")]
    await side.do("forget", None)
    side.knows((AFTERS[0], False, 99, "one", True))
    side.receive(BEFORE + b"1" + AFTERS[0] + b"t")
    assert isinstance(side.requests._task, asyncio.Task)
    await side.do("forget", None)
    assert side.requests.told[1:] == [("serve", b"later"), ("serve", b"t")]


@pytest.mark.parametrize("name", ["_lane", "_buffer", "_known", "_pending", "_task", "closing"])
@pytest.mark.parametrize("made", [True, False])
async def test_what_is_not_there_is_an_error(compiled: Any, name: str, *, made: bool) -> None:
    """A connection that was never initialised, or that lacks a member, raises or does without; it does not crash."""
    make = heir(compiled.QuickRequests)
    one = Side(compiled.QuickRequests).requests if made else make.__new__(make)
    one.told = []
    if made:
        one._known = known(AFTERS[0])
        delattr(one, name)
    for call in (one.data_received, lambda data: one._start(known(AFTERS[0]), data)):
        try:
            call(BEFORE + b"0" + AFTERS[0])
        except AttributeError:
            continue
        assert made, "it is not initialised"
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()


async def test_what_is_no_head_that_came_before(compiled: Any) -> None:
    """Whatever lies where a known head should: what lacks something raises, and nothing is served."""
    side = Side(compiled.QuickRequests)
    serving = side.lane.serving
    for odd in (
        object(),
        SimpleNamespace(serving=serving),
        SimpleNamespace(serving=serving, before=b"", after=b"", longest="much"),
        SimpleNamespace(serving=serving, before=b"", after=b"", longest=2**90),
        SimpleNamespace(serving=serving, before=b"", after=b"", longest=9, close=False),
    ):
        side.requests._known = odd
        with pytest.raises((AttributeError, TypeError, OverflowError)):
            side.receive(b"0")
    side.requests._known = SimpleNamespace(serving=serving, before="", after=None, longest=9)
    side.receive(b"0!")
    assert side.requests.told == [("patiently", b"0!")]


async def test_a_request_that_cannot_begin(compiled: Any) -> None:
    """What is raised before there is anything to step comes out, and the connection is as it was before."""
    side = Side(compiled.QuickRequests)
    bodies: list[Any] = []

    def serve(self: Any, _: Any, body: bytes) -> Coroutine[Any, Any, None]:
        bodies.append(body)
        raise LookupError

    one = type("Odd", (type(side.requests),), {"_serve": serve})(side.lane)
    one._known = known(AFTERS[0])
    for _ in range(2):
        with pytest.raises(LookupError):
            one.data_received(BEFORE + b"0" + AFTERS[0])
    assert (bodies, one._task) == ([b"", b""], None)
