"""Between a whole answer and its events, both ways, nothing is lost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.assembly import Assembler, events_of, merged
from llmgate_core.errors import RateLimited
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Failure, Finish, Ping, Start
from llmgate_core.messages import (
    Audio,
    Block,
    ChatResponse,
    Choice,
    File,
    Image,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse
from llmgate_core.usage import Usage

words = st.text(max_size=20)
extras = st.dictionaries(st.text(max_size=5), st.integers() | words, max_size=2)
sources = st.builds(Source, st.sampled_from(["url", "base64", "text", "file_id"]), words, st.none() | words)
counts = st.none() | st.integers(0, 10**6)
blocks: st.SearchStrategy[Block] = st.one_of(
    st.builds(Text, words, extra=extras),
    st.builds(Refusal, words, extra=extras),
    st.builds(ToolCall, words, words, words, st.sampled_from(["function", "custom"]), extra=extras),
    st.builds(Thinking, words, st.none() | words, st.none() | words, extras),
    st.builds(RedactedThinking, words, st.none() | words, extras),
    st.builds(Image, sources, extra=extras),
    st.builds(Audio, sources, st.none() | words, extra=extras),
    st.builds(File, sources, st.none() | words, extra=extras),
    st.builds(Opaque, words, words, extras),
)
choices = st.builds(
    Choice,
    st.builds(Message, st.just("assistant"), st.lists(blocks, max_size=4).map(tuple)),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter", "error"]),
    native_finish=st.none() | words,
    stop_sequence=st.none() | words,
    extra=extras,
)
responses = st.builds(
    ChatResponse,
    words,
    words,
    st.lists(choices, max_size=3).map(lambda many: tuple(attrs.evolve(one, index=n) for n, one in enumerate(many))),
    st.none() | st.builds(Usage, *[counts] * 9),
    st.none() | st.integers(0, 2**40),
    extra=extras,
)


def assembled(events: list[Any]) -> ChatResponse:
    """The answer that events make."""
    assembler = Assembler()
    for event in events:
        assembler.add(event)
    return assembler.response()


@given(responses)
def test_events_and_back(response: ChatResponse) -> None:
    """An answer taken apart and put together again is the same answer."""
    assert assembled(events_of(response)) == response


@given(responses, st.randoms(use_true_random=False))
def test_any_cut_of_deltas_and_any_interleaving(response: ChatResponse, random: Any) -> None:
    """Deltas in single characters, blocks of all choices mixed: the same answer, whatever the order between blocks."""
    start, *middle, end = events_of(response)
    lanes: dict[tuple[int, int], list[Any]] = {}
    for event in middle:
        assert isinstance(event, (BlockStart, BlockDelta, BlockStop))
        cut = [attrs.evolve(event, text=letter) for letter in event.text] if isinstance(event, BlockDelta) else [event]
        # A signature of no characters is one, too.
        lanes.setdefault((event.choice, event.index), []).extend(cut or [event])
    mixed: list[Any] = []
    while lanes:
        key = random.choice(sorted(lanes))
        mixed += [lanes[key].pop(0), Ping()]
        if not lanes[key]:
            del lanes[key]
    assert assembled([start, *mixed, end]) == response


def test_logprobs_are_appended() -> None:
    """Log probabilities of single tokens become the list of all."""
    told = [{"content": [1], "refusal": None}, {"content": [2, 3], "refusal": None}]
    deltas = [BlockDelta(0, "text", "x", extra={"logprobs": one}) for one in told]
    answer = assembled([Start("1", "m"), BlockStart(0, Text("")), *deltas, End((Finish("stop"),))])
    assert answer.choices[0].logprobs == {"content": [1, 2, 3], "refusal": None}


def test_logprobs_survive_being_taken_apart() -> None:
    """… and the other way round."""
    choice = Choice(Message("assistant", (Text("x"),)), "stop", logprobs={"content": [1]})
    response = ChatResponse("1", "m", (choice,))
    assert assembled(events_of(response)) == response


def test_citations_are_collected() -> None:
    """Citations that come as deltas stand in the text's extras, in order."""
    deltas = [BlockDelta(0, "citation", "", extra={"citation": number}) for number in (1, 2)]
    answer = assembled([Start("1", "m"), BlockStart(0, Text("x")), *deltas, End((Finish("stop"),))])
    (block,) = answer.choices[0].message.content
    assert isinstance(block, Text)
    assert block.extra == {"citations": [1, 2]}


def test_a_stream_without_end_is_no_answer() -> None:
    """What broke off is not taken for an answer."""
    with pytest.raises(StreamInterrupted):
        assembled([Start("1", "m"), BlockStart(0, Text("")), BlockDelta(0, "text", "x")])


def test_a_failure_is_raised() -> None:
    """The provider's own error comes out as it is."""
    with pytest.raises(RateLimited):
        assembled([Start("1", "m"), Failure(RateLimited("slow down"))])


def test_a_delta_without_its_block() -> None:
    """A stream that is out of order is told as the provider's fault."""
    with pytest.raises(UpstreamBadResponse):
        assembled([Start("1", "m"), BlockDelta(3, "text", "x")])


@given(st.builds(Usage, *[counts] * 9), st.builds(Usage, *[counts] * 9))
def test_usage_told_in_parts(first: Usage, last: Usage) -> None:
    """What came later wins, but a nothing never wins over a something."""
    both = merged(first, last)
    assert both is not None
    for field in attrs.fields(Usage):
        early, late = getattr(first, field.name), getattr(last, field.name)
        assert getattr(both, field.name) == (early if late is None or late == field.default else late)


def test_usage_told_once() -> None:
    """Of one usage and nothing the one is taken."""
    usage = Usage(1, 2)
    assert (merged(usage, None), merged(None, usage), merged(None, None)) == (usage, usage, None)
