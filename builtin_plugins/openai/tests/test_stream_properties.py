"""Streams of every shape: there and back, and in whatever pieces they arrive."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmgate_core.assembly import Assembler, events_of
from llmgate_core.decisions import EMPTY
from llmgate_core.events import Event
from llmgate_core.frames import SseFramer
from llmgate_core.messages import (
    Block,
    ChatResponse,
    Choice,
    FinishReason,
    Message,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.testing.event_rules import check_events
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import WireRequest

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(min_size=1, max_size=8)
NAMES = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
ARGUMENTS = st.sampled_from(["{}", '{"a":1}', '{"é":"\\u2028"}', "[1,2]"])


def thinking(signed: bool) -> st.SearchStrategy[Block]:
    """Thinking with or without a signature; the owner of a signature is told in the stream after the block began."""
    return WORDS.map(lambda text: Thinking(text, "c2ln" if signed else None))


SPEECH: st.SearchStrategy[Block] = st.one_of(
    WORDS.map(Text), WORDS.map(Refusal), thinking(True), thinking(False), WORDS.map(RedactedThinking)
)
COUNT = st.integers(0, 10**6)
USAGE = st.none() | st.builds(Usage, COUNT, COUNT, reasoning_tokens=st.none() | COUNT)


@st.composite
def choices(draw: st.DrawFn, number: int) -> Choice:
    """What one choice said: no two blocks of a kind in a row, for these are one on the wire; then calls."""
    blocks: list[Block] = []
    for block in draw(st.lists(SPEECH, max_size=4)):
        signed = blocks and isinstance(blocks[-1], Thinking) and blocks[-1].signature
        if not blocks or type(block) is not type(blocks[-1]) or signed or isinstance(block, RedactedThinking):
            blocks.append(block)
    calls = draw(st.lists(st.tuples(NAMES, NAMES, ARGUMENTS), max_size=3, unique_by=lambda call: call[0]))
    blocks += [ToolCall(*call) for call in calls]
    reason: FinishReason = "tool_calls" if calls else draw(st.sampled_from(["stop", "length", "content_filter"]))
    return Choice(Message("assistant", tuple(blocks)), reason, number)


ANSWERS = st.builds(
    lambda pair, usage: ChatResponse("id-1", "m", pair, usage, created=1),
    st.integers(1, 2).flatmap(lambda n: st.tuples(*(choices(number) for number in range(n)))),
    USAGE,
)


def written(wire: Wire, events: list[Event]) -> bytes:
    """The stream a client gets that asked for everything."""
    request = wire.request(stream=True, stream_options={"include_usage": True})
    writer = wire.dialect.event_writer(request)
    return b"".join(writer.write(event) for event in events)


def read(wire: Wire, *pieces: bytes) -> list[Event]:
    """The events of a stream that arrives in these pieces."""
    framer, reader = SseFramer(), wire.dialect.event_reader(WireRequest(b""))
    events = [event for piece in pieces for frame in framer.feed(piece) for event in reader.read(frame)]
    return [*events, *reader.close()]


def assembled(events: list[Event]) -> ChatResponse:
    """The whole answer, without what the wire adds to it."""
    assembler = Assembler()
    for event in events:
        assembler.add(event)
    answer = assembler.response()
    usage = answer.usage and evolve(answer.usage, extra=EMPTY)
    told = tuple(evolve(choice, native_finish=None, extra=EMPTY) for choice in answer.choices)
    return evolve(answer, usage=usage, choices=told, extra=EMPTY)


@QUIET
@given(ANSWERS, st.data())
def test_events_written_and_read_are_the_same_answer(wire: Wire, answer: ChatResponse, data: st.DataObject) -> None:
    """Events → writer → reader → events; on the way the stream is cut anywhere, inside characters too."""
    stream = written(wire, events_of(answer))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    events = check_events(read(wire, *pieces))
    assert events == read(wire, stream)
    assert assembled(events) == answer


@QUIET
@given(ANSWERS)
def test_pieces_of_one_byte(wire: Wire, answer: ChatResponse) -> None:
    """Every byte in a packet of its own gives the same events."""
    stream = written(wire, events_of(answer))
    assert read(wire, *(stream[i : i + 1] for i in range(len(stream)))) == read(wire, stream)


@QUIET
@given(ANSWERS)
def test_line_ends_do_not_matter(wire: Wire, answer: ChatResponse) -> None:
    """LF, CRLF and CR are one (their bytes never stand inside JSON)."""
    stream = written(wire, events_of(answer))
    for end in (b"\r\n", b"\r"):
        assert read(wire, stream.replace(b"\n", end) + b": end\n\n") == read(wire, stream)


@QUIET
@given(ANSWERS, st.data())
def test_a_stream_cut_short_is_never_an_end(wire: Wire, answer: ChatResponse, data: st.DataObject) -> None:
    """However far it came, the events are well-formed, and nothing is made up behind what was cut off."""
    stream = written(wire, events_of(answer))
    cut = data.draw(st.integers(0, len(stream)))
    whole, part = read(wire, stream), check_events(read(wire, stream[:cut]))
    for got, meant in zip(part[:-1], whole, strict=False):
        if type(got) is type(meant):
            assert got == meant or type(got).__name__ == "BlockStop"


@QUIET
@given(ANSWERS)
def test_streamed_and_whole_answers_agree(
    wire: Wire, check_chunks: Any, check_answer: Any, answer: ChatResponse
) -> None:
    """What a client collects from a stream is what it would have got in one piece, in the SDK's own types."""
    request = wire.request(stream=True, stream_options={"include_usage": True})
    whole = check_answer(json.loads(wire.dialect.write_response(answer, request)))
    chunks = check_chunks(wire.stream(events_of(answer), stream_options={"include_usage": True}))
    for choice in whole.choices:
        mine = [one for chunk in chunks for one in chunk.choices if one.index == choice.index]
        assert "".join(one.delta.content or "" for one in mine) == (choice.message.content or "")
        assert "".join(one.delta.refusal or "" for one in mine) == (choice.message.refusal or "")
        assert [one.finish_reason for one in mine if one.finish_reason] == [choice.finish_reason]
    told = [chunk.usage for chunk in chunks if chunk.usage]
    assert told == ([whole.usage] if whole.usage else [])
