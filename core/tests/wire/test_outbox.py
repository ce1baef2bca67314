"""What is written in one turn of the loop goes out at its end, in order, and nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from llmgate_core.native import native
from llmgate_core.wire.outbox import Outbox, make_outbox

MakeBox = Callable[[], Outbox]


@pytest.fixture(params=["python", pytest.param("c", marks=pytest.mark.skipif(native is None, reason="not built"))])
def make_box(request: pytest.FixtureRequest) -> MakeBox:
    """Outboxes of both kinds."""
    make = Outbox if request.param == "python" else make_outbox
    return lambda: make(asyncio.get_running_loop())


def busy(box: Outbox) -> Outbox:
    """An outbox that has just been used."""
    box.write(Transport([]), b"0")
    return box


class Transport:
    """Keeps what is written to it."""

    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent
        self.closing = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self._sent.append(data)

    def abort(self) -> None:
        """Nobody wants more."""
        self.closing = True

    def is_closing(self) -> bool:
        """As told."""
        return self.closing


async def test_a_turn_is_sent_at_its_end(make_box: MakeBox) -> None:
    """Nothing goes out while the turn lasts; then all of it does, in the order it was written."""
    sent: list[bytes] = []
    one, two, box = Transport(sent), Transport(sent), busy(make_box())
    box.write(one, b"1")
    box.write(two, b"2")
    box.write(one, b"3")
    assert sent == []
    await asyncio.sleep(0)
    assert sent == [b"1", b"2", b"3"]
    box.write(one, b"4")
    await asyncio.sleep(0)
    assert sent[3:] == [b"4"]


async def test_after_a_silence_the_first_goes_at_once(make_box: MakeBox) -> None:
    """Who is asked seldom has nothing to gather; what is written behind it in the same turn waits for its end."""
    sent: list[bytes] = []
    one, box = Transport(sent), make_box()
    for round_ in range(2):
        box.write(one, b"1")
        assert sent == [b"1"]
        box.write(one, b"2")
        assert sent == [b"1"], round_
        await asyncio.sleep(0.01)
        assert sent == [b"1", b"2"]
        sent.clear()


@pytest.mark.parametrize("early", [True, False])
async def test_order_holds_for_what_is_large(make_box: MakeBox, early: bool) -> None:
    """Much data goes out at once, after what was written before it."""
    sent: list[bytes] = []
    one, box = Transport(sent), busy(make_box())
    if early:
        box.write(one, b"1")
    box.write(one, b"x" * 100_000)
    assert [len(data) for data in sent] == [1, 100_000][not early :]
    await asyncio.sleep(0)
    assert len(sent) == 1 + early


async def test_a_closed_transport_gets_nothing(make_box: MakeBox) -> None:
    """What waits for a transport that is closing is dropped; the others get theirs."""
    sent: list[bytes] = []
    one, two, box = Transport(sent), Transport(sent), busy(make_box())
    box.write(one, b"1")
    box.write(two, b"2")
    one.closing = True
    box.flush()
    assert sent == [b"2"]


async def test_one_broken_transport_harms_no_other(make_box: MakeBox, caplog: pytest.LogCaptureFixture) -> None:
    """A transport that raises is given up, and said so; the next one gets its bytes."""

    class Broken(Transport):
        def write(self, data: bytes) -> None:
            raise RuntimeError("the handle is closed")

    sent: list[bytes] = []
    one, two, box = Broken(sent), Transport(sent), busy(make_box())
    box.write(one, b"1")
    box.write(two, b"2")
    box.flush()
    assert (sent, one.closing) == ([b"2"], True)
    assert "is given up" in caplog.text
