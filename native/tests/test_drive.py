"""A request that is stepped without a task goes the way that a task would go."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Log = list[Any]
VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("VARIABLE", default=0)
BEFORE, AFTER = b"POST / HTTP/1.1\r\ncontent-length: ", b"\r\n\r\n"


class Yields:
    """Awaited, it yields what no loop can wait for."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any]:
        yield self.value


class Stage:
    """What a program awaits, by number, and what it has done."""

    def __init__(self, compiled: Any) -> None:
        self.loop = asyncio.get_running_loop()
        nothing = SimpleNamespace(quick=None)
        self.connections = [compiled.QuickConnection(self.loop, nothing, None, None) for _ in range(3)]
        self.futures: list[asyncio.Future[int]] = [self.loop.create_future() for _ in range(3)]
        self.waits: dict[int, Any] = {}
        self.log: Log = []
        self.cancel: Callable[[], bool] = lambda: False

    async def run(self, steps: list[Any]) -> None:
        """Play a program; what it ends with is noted."""
        try:
            await self.play(steps)
            self.log.append("returned")
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is compared
            self.log.append(type(error).__name__)

    async def play(self, steps: list[Any]) -> None:
        """One step after the other."""
        for kind, what in steps:
            self.log.append((kind, VARIABLE.get()))
            await getattr(self, kind)(what)

    async def future(self, number: int) -> None:
        self.log.append(await self.futures[number])

    async def wait(self, number: int) -> None:
        self.waits[number] = waiter = self.connections[number].wait(1.0)
        await waiter

    async def sleep(self, _: int) -> None:
        await asyncio.sleep(0)

    async def bad(self, number: int) -> None:
        await Yields((3, object(), self.futures[0], asyncio.Lock(), (), SimpleNamespace())[number])

    async def fail(self, _: int) -> None:
        raise LookupError

    async def end_itself(self, _: int) -> None:
        self.log.append(self.cancel())

    async def variable(self, number: int) -> None:
        VARIABLE.set(number)

    async def block(self, parts: Any) -> None:
        body, swallows, after = parts
        try:
            await self.play(body)
        except (asyncio.CancelledError, Exception) as error:
            self.log.append(type(error).__name__)
            if not swallows:
                raise
        finally:
            await self.play(after)

    async def act(self, kind: str, number: int) -> None:
        """Something happens from outside."""
        future, wait = self.futures[number], self.waits.get(number)
        if kind == "cancel":
            self.log.append(("cancel", self.cancel()))
        elif kind == "turns":
            await settle()
        elif kind in {"set", "raise"} and not future.done():
            future.set_result(number) if kind == "set" else future.set_exception(LookupError())
        elif kind in {"tell", "overdue"} and wait is not None and not wait.done():
            await settle()  # a task goes on in the next turn, a request at once: what comes between is not comparable
            wait.set_result(None) if kind == "tell" else wait.set_exception(TimeoutError())
            await settle()


async def settle() -> None:
    """Turns enough for everything to happen that happens by itself."""
    for _ in range(30):
        await asyncio.sleep(0)


async def driven(compiled: Any, stepped: Any, program: list[Any], script: list[Any], *, now: bool) -> Log:
    """What happens when it is stepped."""
    stage = Stage(compiled)
    requests, known = stepped(lambda: stage.run(program))
    stage.cancel = lambda: requests._task.cancel()  # noqa: PLW0108  # there is none yet
    if now:
        requests.data_received(BEFORE + b"0" + AFTER)
    else:
        requests._start(known, b"")
    return await played(stage, script, now=now)


async def tasked(compiled: Any, program: list[Any], script: list[Any], *, now: bool) -> Log:
    """What happens in a task."""
    stage = Stage(compiled)
    task = stage.loop.create_task(stage.run(program))
    stage.cancel = task.cancel
    log = await played(stage, script, now=now)
    await asyncio.gather(task, return_exceptions=True)
    return log


async def played(stage: Stage, script: list[Any], *, now: bool) -> Log:
    """The script, and then until the program is over."""
    if now:
        await settle()
    for kind, number in script:
        await stage.act(kind, number)
    for _ in range(40):
        for number in range(3):
            await stage.act("tell", number)
            await stage.act("set", number)
        await settle()
        if stage.log and stage.log[-1] in {"returned", "cancelled", "LookupError", "TimeoutError", "RuntimeError"}:
            break
    for future in stage.futures:
        if future.done() and not future.cancelled():
            future.exception()
    return stage.log


numbers = st.integers(0, 2)
simple = st.one_of(
    st.tuples(st.sampled_from(["future", "wait", "wait", "variable"]), numbers),
    st.tuples(st.sampled_from(["sleep", "fail", "end_itself"]), st.just(0)),
    st.tuples(st.just("bad"), st.integers(0, 5)),
)


def blocks(inner: Any) -> Any:
    """A step that has steps in it."""
    steps = st.lists(inner, max_size=3)
    return st.tuples(st.just("block"), st.tuples(steps, st.booleans(), steps))


programs = st.lists(st.recursive(simple, blocks, max_leaves=8), max_size=5)
scripts = st.lists(
    st.tuples(st.sampled_from(["cancel", "cancel", "turns", "set", "raise", "tell", "overdue"]), numbers), max_size=8
)


@settings(max_examples=150)
@given(programs, scripts, st.booleans())
async def test_it_goes_as_a_task_goes(
    compiled: Any, stepped: Any, program: list[Any], script: list[Any], now: bool
) -> None:
    """Whatever a coroutine awaits, sets or swallows, and whenever it is cancelled: each step is that of a task."""
    loop = asyncio.get_running_loop()
    noise: list[Any] = []
    loop.set_exception_handler(lambda _, told: noise.append(told))
    expected = await tasked(compiled, program, script, now=now)
    assert await driven(compiled, stepped, program, script, now=now) == expected
    assert noise == []


async def test_it_is_no_task(stepped: Any) -> None:
    """What asks for the current task is told that there is none."""
    seen: Log = []

    async def look() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    requests, known = stepped(look)
    asyncio.get_running_loop().call_soon(requests.data_received, BEFORE + b"0" + AFTER)
    await settle()
    requests._start(known, b"")
    await settle()
    assert seen == [None] * 4


async def test_variables_end_with_the_request(stepped: Any) -> None:
    """What one request sets, the next does not see, though it begins where the first one ends."""
    seen: Log = []

    async def look() -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set(7)
        await asyncio.sleep(0)
        seen.append(VARIABLE.get())
        if len(seen) < 4:
            requests._start(known, b"")

    requests, known = stepped(look)
    requests.data_received(BEFORE + b"0" + AFTER)
    await settle()
    assert (seen, VARIABLE.get()) == ([0, 7, 0, 7], 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_what_ends_the_loop_is_handed_on(compiled: Any, stepped: Any, error: type[BaseException]) -> None:
    """It comes out of the call that stepped, at the start and after a wait alike."""

    async def end() -> None:
        raise error

    async def wait() -> None:
        await stage.wait(0)
        raise error

    stage = Stage(compiled)
    with pytest.raises(error):
        stepped(end)[0].data_received(BEFORE + b"0" + AFTER)
    stepped(wait)[0].data_received(BEFORE + b"0" + AFTER)
    with pytest.raises(error):
        stage.waits[0].set_result(None)


async def test_what_cannot_be_awaited_a_thousand_times(stepped: Any) -> None:
    """It is told so each time, a turn later, and nothing grows with it."""
    told: Log = []

    async def stubborn() -> None:
        for _ in range(3000):
            try:
                await Yields(3)
            except RuntimeError as error:
                told.append(str(error))

    stepped(stubborn)[0].data_received(BEFORE + b"0" + AFTER)
    for _ in range(3010):
        await asyncio.sleep(0)
    assert told == ["a request got bad yield: 3"] * 3000


async def test_a_future_of_another_loop_is_refused(stepped: Any) -> None:
    """It would be called back in another thread."""
    other = asyncio.new_event_loop()
    seen: Log = []

    async def stray() -> None:
        try:
            await other.create_future()
        except RuntimeError as error:
            seen.append(str(error))

    stepped(stray)[0].data_received(BEFORE + b"0" + AFTER)
    await settle()
    other.close()
    assert "attached to a different loop" in seen[0]


async def test_one_wait_is_for_one_request(compiled: Any, stepped: Any) -> None:
    """A second request that waits for the same is refused; the first one goes on."""
    seen: Log = []

    async def share() -> None:
        try:
            if not stage.waits:
                await stage.wait(0)
            else:
                await stage.waits[0]
            seen.append("went on")
        except RuntimeError:
            seen.append("refused")

    stage = Stage(compiled)
    for _ in range(2):
        stepped(share)[0].data_received(BEFORE + b"0" + AFTER)
    await settle()
    stage.waits[0].set_result(None)
    assert seen == ["refused", "went on"]


async def test_who_calls_without_being_asked_is_not_heard(compiled: Any, stepped: Any) -> None:
    """A request that is called while it waits, runs or is over stays as it is."""
    log: Log = []

    async def wait() -> None:
        requests._task()
        log.append(1)
        await stage.wait(0)
        log.append(2)

    stage = Stage(compiled)
    requests, _ = stepped(wait)
    requests.data_received(BEFORE + b"0" + AFTER)
    drive = requests._task
    drive()
    drive(stage.futures[0])
    assert log == [1]
    stage.waits[0].set_result(None)
    drive()
    assert (log, drive.cancel()) == ([1, 2], False)
