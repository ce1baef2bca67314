"""Streams: however the network cuts them the events are the same, and what is written reads back as it was."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_anthropic import AnthropicMessages
from llmgate_core.assembly import Assembler, events_of
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Finish, Start
from llmgate_core.frames import FrameKind, SseFramer
from llmgate_core.messages import (
    Block,
    ChatResponse,
    Choice,
    Message,
    Opaque,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import WireRequest

OWN = "anthropic.messages"
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.text("abcXYZ019_-", min_size=1, max_size=8)
values = st.dictionaries(names, words | st.integers(0, 9), max_size=3)
signatures = st.text("abc+/=", min_size=1, max_size=8)
citations = st.lists(
    st.fixed_dictionaries({"type": st.just("char_location"), "cited_text": words}), min_size=1, max_size=2
)
blocks: st.SearchStrategy[Block] = st.one_of(
    st.builds(Text, words),
    st.builds(lambda text, cited: Text(text, extra={"citations": cited}), words, citations),
    st.builds(lambda text, signed: Thinking(text, signed, OWN), words, signatures),
    st.builds(lambda signed: Thinking("", signed, OWN), signatures),
    st.builds(lambda data: RedactedThinking(data, OWN), words),
    st.builds(lambda i, name, value: ToolCall(i, name, json.dumps(value)), names, names, values),
    st.builds(
        lambda i, value: Opaque(
            OWN, "server_tool_use", {"type": "server_tool_use", "id": i, "name": "web_search", "input": value}
        ),
        names,
        values,
    ),
)
counts = st.integers(0, 10**6)


def answer(content: list[Block], finish: tuple[Any, str], more: int, out: int) -> ChatResponse:
    """An answer of this dialect."""
    reason, native = finish
    called = any(isinstance(block, ToolCall) for block in content)
    message = Message("assistant", tuple(content))
    choice = Choice(message, "tool_calls" if called else reason, native_finish="tool_use" if called else native)
    usage = Usage(more + 5, out, cache_read_tokens=3, cache_write_tokens=2)
    return ChatResponse("msg_1", "claude-x", (choice,), usage, dialect=OWN)


reasons = st.sampled_from([("stop", "end_turn"), ("length", "max_tokens"), ("length", "pause_turn")])
answers = st.builds(answer, st.lists(blocks, max_size=5), reasons, counts, counts)


def written(events: list[Event]) -> bytes:
    """The stream a client gets."""
    writer = AnthropicMessages().event_writer(None)  # type: ignore[arg-type]  # not looked at
    return b"".join(writer.write(event) for event in events)


def read(chunks: list[bytes]) -> list[Event]:
    """The stream a provider sends, as events."""
    framer, reader = SseFramer(), AnthropicMessages().event_reader(WireRequest(b""))
    events = [event for chunk in chunks for frame in framer.feed(chunk) for event in reader.read(frame)]
    return [*events, *reader.close()]


def assembled(events: list[Event]) -> ChatResponse:
    """Put together again."""
    assembler = Assembler()
    for event in events:
        assembler.add(event)
    return assembler.response(OWN)


@settings(max_examples=60, deadline=None)
@given(answers)
def test_what_is_written_reads_back_as_it_was(response: ChatResponse) -> None:
    """Blocks, signatures, citations, server tools, reason and usage."""
    assert assembled(read([written(events_of(response))])) == response


@settings(max_examples=60, deadline=None)
@given(answers, st.lists(st.integers(0, 10_000), max_size=30), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_chunking_gives_the_same_events(response: ChatResponse, cuts: list[int], line_end: bytes) -> None:
    """Inside a character, between CR and LF, one byte at a time."""
    stream = written(events_of(response)).replace(b"\n", line_end) + b": bye" + line_end * 2
    places = sorted({cut % len(stream) for cut in cuts})
    chunks = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert read(chunks) == read([stream])
    some = stream[:400]
    assert read([some[i : i + 1] for i in range(len(some))])[:-1] == read([some])[:-1]


@settings(max_examples=40, deadline=None)
@given(answers)
def test_the_probe_agrees_with_the_reader(response: ChatResponse) -> None:
    """Usage and reason of a relayed stream are those of a decoded one."""
    stream = written(events_of(response))
    probe = AnthropicMessages().probe(None)  # type: ignore[arg-type]  # not looked at
    found = [probe.see(frame) for frame in SseFramer().feed(stream)]
    assert found[-1] is FrameKind.LAST
    assert FrameKind.ERROR not in found
    assert probe.complete
    end = read([stream])[-1]
    assert isinstance(end, End)
    assert probe.summary.usage == end.usage
    assert probe.summary.finish_reason == end.finishes[0].reason


interleaved = st.lists(st.tuples(st.integers(0, 3), words), max_size=25)


@settings(max_examples=60, deadline=None)
@given(interleaved, st.permutations(range(4)))
def test_wt_107_any_interleaving_of_calls_comes_out_in_order(pieces: list[tuple[int, str]], stops: list[int]) -> None:
    """Whatever way four calls are mixed, and whichever ends first."""
    events: list[Event] = [Start("1", "m")]
    begun: list[int] = []
    told: dict[int, str] = {}
    for index, piece in pieces:
        if index not in told:
            begun.append(index)
            told[index] = ""
            events.append(BlockStart(index, ToolCall(f"id{index}", f"f{index}", "")))
        told[index] += piece
        events.append(BlockDelta(index, "arguments", piece))
    events += [BlockStop(index) for index in stops if index in told]
    events.append(End((Finish("tool_calls"),)))
    out = read([written(events)])
    calls = [event.block for event in out if isinstance(event, BlockStart)]
    assert [call.name for call in calls if isinstance(call, ToolCall)] == [f"f{index}" for index in begun]
    for position, index in enumerate(begun):
        text = "".join(event.text for event in out if isinstance(event, BlockDelta) and event.index == position)
        assert text == told[index]
