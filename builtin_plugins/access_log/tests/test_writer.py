"""From the event loop to the output, without ever waiting in the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from llmgate_access_log import writer as module
from llmgate_access_log.writer import LineWriter


class Recording:
    """An output that keeps what it gets; it can be shut, and then blocks until it is opened, or fail."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []
        self.threads: set[int] = set()
        self.opened = threading.Event()
        self.opened.set()
        self.error: OSError | None = None
        self.closed = False

    def write(self, lines: bytes) -> None:
        """Take a batch."""
        self.opened.wait()
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        self.batches.append(lines)

    def close(self) -> None:
        """Nothing comes any more."""
        self.closed = True


async def test_lines_are_written_in_order_by_another_thread() -> None:
    """All lines until the end, none in the event loop's thread, and the output is closed."""
    output = Recording()
    writer = LineWriter(output, 65536)
    for number in range(100):
        writer.write(b"%d\n" % number)
        if number % 30 == 0:
            await asyncio.sleep(0.001)
    await writer.close()
    assert b"".join(output.batches).split() == [b"%d" % number for number in range(100)]
    assert output.threads == {writer._thread.ident}
    assert output.closed
    assert (writer.dropped, writer.failed) == (0, 0)


async def test_lines_come_without_a_stop() -> None:
    """A quiet gateway's line is written soon, not at the end."""
    output = Recording()
    writer = LineWriter(output, 65536)
    writer.write(b"one\n")
    while not output.batches:  # noqa: ASYNC110  # a thread fills it
        await asyncio.sleep(0.01)
    await writer.close()


async def test_output_that_takes_nothing_costs_lines_not_memory() -> None:
    """What is above the bound is dropped and counted; what was taken is written when the output moves again."""
    output = Recording()
    output.opened.clear()
    writer = LineWriter(output, 1000)
    for _ in range(1000):
        writer.write(b"x" * 99 + b"\n")
    assert writer.dropped == 990
    output.opened.set()
    await writer.close()
    assert len(b"".join(output.batches)) == 1000


async def test_lines_without_room_are_dropped_and_those_before_them_kept() -> None:
    """Of several lines that come together, as many whole ones are taken as there is room for."""
    output = Recording()
    output.opened.clear()
    writer = LineWriter(output, 1000)
    writer.write(b"y" * 349 + b"\n")
    writer.write((b"x" * 99 + b"\n") * 10)
    assert writer.dropped == 4
    writer.write(b"z" * 49 + b"\n")
    writer.write(b"lost\n")
    assert writer.dropped == 5
    output.opened.set()
    await writer.close()
    lines = b"".join(output.batches).splitlines()
    assert [len(line) for line in lines] == [349, *[99] * 6, 49]


async def test_late_lines_are_asked_for_and_come_last() -> None:
    """What is only made when lines are handed over is written too: in time, and at the stop."""
    output = Recording()
    late: list[bytes] = []
    writer = LineWriter(output, 65536, lambda: late.pop() if late else b"")
    late.append(b"two\n")
    writer.write(b"one\n")
    while not output.batches:  # noqa: ASYNC110  # a thread fills it
        await asyncio.sleep(0.01)
    late.append(b"three\n")
    writer.soon()
    while len(output.batches) < 2:  # noqa: ASYNC110  # a thread fills it
        await asyncio.sleep(0.01)
    late.append(b"four\n")
    await writer.close()
    assert output.batches == [b"one\ntwo\n", b"three\n", b"four\n"]


async def test_room_comes_back_when_lines_are_written() -> None:
    """Dropping ends when the output has taken what waited."""
    output = Recording()
    writer = LineWriter(output, 1000)
    writer.write(b"x" * 999 + b"\n")
    writer.write(b"lost\n")
    while writer._settled < 1000:  # noqa: ASYNC110  # a thread counts it
        await asyncio.sleep(0.01)
    writer.write(b"kept\n")
    await writer.close()
    assert writer.dropped == 1
    assert b"".join(output.batches).endswith(b"kept\n")


async def test_failing_output_is_told_once_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk costs lines while it lasts, and one message."""
    output = Recording()
    output.error = OSError(28, "No space left on device")
    writer = LineWriter(output, 65536)
    for _ in range(3):
        writer.write(b"lost\n")
        writer._hand_over()
    while writer._settled < 15:  # noqa: ASYNC110  # a thread counts it
        await asyncio.sleep(0.01)
    output.error = None
    writer.write(b"kept\n")
    await writer.close()
    assert output.batches == [b"kept\n"]
    assert writer.failed == 3
    assert caplog.text.count("No space left on device") == 1


async def test_stop_does_not_wait_for_ever(monkeypatch: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An output that takes nothing ends the wait after the grace time, and the loss is told."""
    monkeypatch.setattr(module, "GRACE", 0.01)
    output = Recording()
    output.opened.clear()
    writer = LineWriter(output, 65536)
    writer.write(b"stuck\n")
    await writer.close()
    assert "6 bytes of it are lost" in caplog.text
    output.opened.set()
    await asyncio.to_thread(writer._thread.join)
