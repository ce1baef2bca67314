"""While a client is waited for, the pieces of its stream are its connection's alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from weakref import WeakSet

from attrs import define, field, frozen

from llmgate_core.provider import Timeouts
from llmgate_core.relay import OpenStream, send_stream
from llmgate_core.testing.exchanges import make_exchange
from llmgate_core.wirevalues import Summary


class Life:
    """Ends with the piece that has it: bytes themselves can have no weak reference."""


class Piece(bytes):
    """Bytes of which one can tell whether anybody still holds them."""

    life: Life


@define(eq=False)
class Endless:
    """A feed that never ends. ``alive`` is which of its pieces somebody holds."""

    content: bool = True
    summary: Summary = field(factory=Summary)
    alive: WeakSet[Life] = field(factory=WeakSet)

    def piece(self) -> Piece:
        """A new one."""
        piece = Piece(b"data: more\n\n")
        piece.life = Life()
        self.alive.add(piece.life)
        return piece

    async def next(self, timeout: float) -> bytes | None:
        """See :class:`~llmgate_core.feeds.Feed`."""
        return self.piece()

    async def close(self) -> None:
        """See :class:`~llmgate_core.feeds.Feed`."""


@frozen
class Slow:
    """A responder whose client takes ``some`` pieces and then no more; it keeps none itself. ``full`` is set from then on."""

    some: int
    written: list[int] = field(factory=list)
    full: asyncio.Event = field(factory=asyncio.Event)

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Not for a stream."""
        raise NotImplementedError

    async def start(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """The head is written."""

    async def write(self, data: bytes) -> None:
        """See :class:`~llmgate_core.responder.Responder`."""
        self.written.append(len(data))
        del data
        if len(self.written) > self.some:
            self.full.set()
            await asyncio.Event().wait()

    async def end(self) -> None:
        """It never comes to that."""


async def stuck(feed: Endless, held: list[bytes], some: int) -> int:
    """How many pieces are held when the client takes no more."""
    responder = Slow(some)
    stream = OpenStream(feed, Timeouts(), 700.0, held)
    sending = asyncio.create_task(send_stream(make_exchange(deadline=float("inf")), stream, responder, 15.0))
    await asyncio.wait(
        (sending, full := asyncio.create_task(responder.full.wait())), return_when=asyncio.FIRST_COMPLETED
    )
    assert full.done(), sending
    alive = len(feed.alive)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    return alive


async def test_relayed_piece_is_not_held() -> None:
    """At a client that stands still in the middle nothing is left of what was relayed."""
    assert await stuck(Endless(), [], some=3) == 0


async def test_what_was_held_back_is_not_held_on() -> None:
    """What waited for the first content is given up once it is written."""
    feed = Endless()
    assert await stuck(feed, [feed.piece(), feed.piece()], some=0) == 0
