"""One clock ends what waits past its deadline, and nothing else."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from llmgate_core.deadline import TICK, Clock, Deadline
from llmgate_core.errors import DeadlineExceeded


async def wait(clock: Clock, seconds: float, *, swallows: bool = False) -> None:
    """Wait for ever within a deadline; ``swallows`` the first cancellation."""
    with Deadline(clock, monotonic() + seconds):
        if swallows:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.Event().wait()
            return
        await asyncio.Event().wait()


async def test_each_ends_by_its_own() -> None:
    """Those that are over are ended, in their order; then the clock stands still, until the next one."""
    clock, ended = Clock(), list[int]()

    async def one(number: int, seconds: float) -> None:
        with pytest.raises(DeadlineExceeded):
            await wait(clock, seconds)
        ended.append(number)

    for _ in range(2):
        await asyncio.gather(one(1, 4 * TICK), one(2, 0.0), one(3, 2 * TICK))
        await asyncio.sleep(2 * TICK)
        assert not clock._ticking
    assert ended == [2, 3, 1] * 2
    assert not clock._kept


async def test_what_ends_in_time_is_left_alone() -> None:
    """Its task goes on, past the time that it had."""
    clock = Clock()
    with Deadline(clock, monotonic() + 0.001):
        pass
    await asyncio.sleep(3 * TICK)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_a_plugin_that_swallows_it() -> None:
    """The task is as it was, and is not ended a second time."""
    clock = Clock()
    await wait(clock, 0.0, swallows=True)
    await asyncio.sleep(2 * TICK)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_a_client_that_leaves_meanwhile() -> None:
    """Who cancels as well is not told of a deadline: nobody waits for an answer."""
    clock = Clock()
    task = asyncio.create_task(wait(clock, 0.0))
    await asyncio.sleep(0)
    (deadline,) = clock._kept
    deadline.look(monotonic())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
