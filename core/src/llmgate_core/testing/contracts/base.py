"""What the parts of the dialect contract share: the samples, and the steps from bytes to canonical and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import attrs
import pytest

from llmgate_core.assembly import Assembler
from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Dialect, Losses
from llmgate_core.events import Event
from llmgate_core.messages import ChatRequest, ChatResponse
from llmgate_core.request import Request
from llmgate_core.testing.wire_requests import as_bytes, client_request
from llmgate_core.wirevalues import WireRequest

SAMPLES = ("request_body", "response_body", "stream_body", "error_body")


class DialectSamples:
    """A dialect and true samples of its wire. Bodies are bytes, or values that stand for their JSON.

    ``request_bodies``: chats as clients send them, the more fields the better. ``response_bodies``: whole answers.
    ``stream_bodies``: whole successful streams, as bytes. ``error_bodies``: ``(status, body)`` of error answers.
    """

    request_bodies: ClassVar[Sequence[Any]] = ()
    response_bodies: ClassVar[Sequence[Any]] = ()
    stream_bodies: ClassVar[Sequence[bytes]] = ()
    error_bodies: ClassVar[Sequence[tuple[int, Any]]] = ()

    @pytest.fixture
    def dialect(self) -> Dialect:
        """The dialect under test."""
        raise NotImplementedError("write a fixture named 'dialect' that returns an instance of your dialect")

    def path_params(self, *, stream: bool) -> Mapping[str, str]:
        """What stands in the route's path, for a dialect that has the model (or the wish for a stream) there."""
        return EMPTY

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each sample."""
        for name in SAMPLES:
            if name in metafunc.fixturenames:
                samples = getattr(self, name.replace("body", "bodies"))
                metafunc.parametrize(name, samples, ids=[str(number) for number in range(len(samples))])

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def request_of(self, dialect: Dialect, body: Any, *, stream: bool | None = None) -> Request:
        """A client's request; ``stream`` says whether the path asks for one (None: whatever the body says)."""
        if stream is None:
            stream = b'"stream":true' in as_bytes(body).replace(b" ", b"")
        return client_request(dialect, body, params=self.path_params(stream=stream))

    def stream_request(self, dialect: Dialect) -> Request:
        """A client's request for a stream with everything in it, made from the first sample."""
        chat = self.request_of(dialect, self.request_bodies[0]).canonical
        chat = attrs.evolve(chat, stream=True, include_usage=True)
        wire = dialect.write_request(chat, chat.model, Losses())
        return self.request_of(dialect, wire.body, stream=True)

    def wire_of(self, dialect: Dialect, *, stream: bool = False) -> WireRequest:
        """What is sent to a provider for the first sample."""
        chat = self.request_of(dialect, self.request_bodies[0]).canonical
        return dialect.write_request(attrs.evolve(chat, stream=stream), chat.model, Losses())


def write(dialect: Dialect, chat: ChatRequest, model: str | None = None) -> tuple[WireRequest, Losses]:
    """The client face's request, and what it could not carry."""
    losses = Losses()
    return dialect.write_request(chat, chat.model if model is None else model, losses), losses


def split(dialect: Dialect, *pieces: bytes) -> list[bytes]:
    """The frames of a stream that arrives in these pieces."""
    framer = dialect.framer()
    frames = [frame for piece in pieces for frame in framer.feed(piece)]
    rest = framer.rest()
    return [*frames, rest] if rest.strip() else frames


def read_events(dialect: Dialect, wire: WireRequest, frames: Sequence[bytes]) -> list[Event]:
    """The events of these frames, and of the end of the stream behind them."""
    reader = dialect.event_reader(wire)
    events = [event for frame in frames for event in reader.read(frame)]
    return [*events, *reader.close()]


def written(dialect: Dialect, request: Request, events: Iterable[Event]) -> bytes:
    """The stream that the client who sent ``request`` gets."""
    writer = dialect.event_writer(request)
    return b"".join(writer.write(event) for event in events)


def assemble(events: Sequence[Event]) -> ChatResponse:
    """The whole answer that a stream's events tell."""
    assembler = Assembler()
    for event in events:
        assembler.add(event)
    return assembler.response()
