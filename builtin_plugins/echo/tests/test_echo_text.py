"""What the echo says, and how it is streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Start
from llmgate_core.messages import (
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Sampling,
    Source,
    Text,
    Thinking,
)
from llmgate_echo.words import count, first_words, pieces

Ask = Callable[..., Any]


def said(events: list[Any], kind: str = "text", choice: int = 0) -> str:
    """The deltas of one kind, joined."""
    return "".join(e.text for e in events if isinstance(e, BlockDelta) and (e.kind, e.choice) == (kind, choice))


async def test_the_last_user_text_comes_back_word_by_word(ask: Ask) -> None:
    """The whole sequence of events of a plain answer."""
    events = await ask("good morning  to\nyou")
    assert [type(e) for e in events] == [Start, BlockStart, *[BlockDelta] * 4, BlockStop, End]
    assert [e.text for e in events if isinstance(e, BlockDelta)] == ["good", " morning", "  to", "\nyou"]
    assert events[1].block == Text("")
    assert events[-1].finishes[0].reason == "stop"


async def test_the_same_request_gives_the_same_answer(ask: Ask) -> None:
    """Two answers are equal to the last field; another question has another id."""
    assert await ask("a b") == await ask("a b")
    assert (await ask("a b"))[0].id != (await ask("a c"))[0].id


async def test_words_are_counted_as_tokens(ask: Ask) -> None:
    """Usage: every word of the conversation in, every word of the answer out, known parts at the start."""
    messages = (Message("system", (Text("be brief"),)), Message("user", (Text("one two three"),)))
    events = await ask(messages=messages)
    assert events[0].usage.input_tokens == 5
    assert (events[-1].usage.input_tokens, events[-1].usage.output_tokens) == (5, 3)
    assert events[-1].usage.reasoning_tokens is None


async def test_media_is_acknowledged_by_its_kind(ask: Ask) -> None:
    """A picture stands in the text as [image]."""
    picture = Image(Source("url", "https://example.com/a.png"))
    events = await ask(messages=(Message("user", (Text("what is"), picture)),))
    assert said(events) == "what is [image]"


async def test_a_conversation_without_user_text_is_answered(ask: Ask) -> None:
    """Nothing to repeat is no error."""
    assert said(await ask(messages=(Message("system", (Text("x"),)),))) == "(nothing to echo)"


async def test_thinking_comes_first_when_reasoning_is_on(ask: Ask) -> None:
    """A thinking block precedes the text, and its words are counted apart."""
    events = await ask("a b", reasoning=Reasoning(effort="low"))
    starts = [e.block for e in events if isinstance(e, BlockStart)]
    assert starts == [Thinking(""), Text("")]
    assert events[-1].usage.reasoning_tokens == count(said(events, "thinking")) > 0
    assert events[-1].usage.output_tokens == events[-1].usage.reasoning_tokens + 2


@pytest.mark.parametrize("reasoning", [None, Reasoning("disabled"), Reasoning(effort="none"), Reasoning()])
async def test_no_thinking_unless_asked(ask: Ask, reasoning: Reasoning | None) -> None:
    """Reasoning that is off or not given leaves only text."""
    assert [type(e.block) for e in await ask(reasoning=reasoning) if isinstance(e, BlockStart)] == [Text]


async def test_a_stop_sequence_ends_the_text(ask: Ask) -> None:
    """The earliest stop sequence cuts, and is named in the finish."""
    events = await ask("one two three four", sampling=Sampling(stop=("four", "three")))
    assert said(events) == "one two "
    assert (events[-1].finishes[0].reason, events[-1].finishes[0].stop_sequence) == ("stop", "three")


@pytest.mark.parametrize(("most", "text", "reason"), [(2, "one two", "length"), (3, "one two three", "stop")])
async def test_max_tokens_counts_words(ask: Ask, most: int, text: str, reason: str) -> None:
    """More words than allowed are left off, and the finish says so."""
    events = await ask("one two three", sampling=Sampling(max_tokens=most))
    assert (said(events), events[-1].finishes[0].reason) == (text, reason)


async def test_max_tokens_includes_thinking(ask: Ask) -> None:
    """A budget that thinking uses up leaves no text."""
    events = await ask(reasoning=Reasoning(effort="high"), sampling=Sampling(max_tokens=2))
    assert (said(events, "thinking"), said(events)) == ("The last", "")
    assert events[-1].finishes[0].reason == "length"


async def test_several_choices(ask: Ask) -> None:
    """n choices say the same, each with its finish, and are counted each."""
    events = await ask("a b", sampling=Sampling(n=3))
    assert [said(events, choice=n) for n in range(3)] == ["a b"] * 3
    assert [finish.choice for finish in events[-1].finishes] == [0, 1, 2]
    assert events[-1].usage.output_tokens == 6


@pytest.mark.parametrize(
    ("sampling", "param"),
    [(Sampling(n=0), "n"), (Sampling(n=10**9), "n"), (Sampling(max_tokens=0), "max_tokens")],
)
async def test_numbers_out_of_range_are_refused_as_by_a_provider(ask: Ask, sampling: Sampling, param: str) -> None:
    """A 400 that names the field."""
    with pytest.raises(GatewayError) as caught:
        await ask(sampling=sampling)
    assert (caught.value.status, caught.value.param) == (400, param)


async def test_structured_output_is_an_instance_of_its_schema(ask: Ask) -> None:
    """json_schema gives the least that fits, json_object holds the text."""
    schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}}, "required": ["age"]}
    assert said(await ask(output=OutputFormat("json_schema", schema))) == '{"age": 18}'
    assert said(await ask("hé", output=OutputFormat("json_object"))) == '{"echo": "hé"}'


async def test_refuse_and_empty(ask: Ask) -> None:
    """Two models that answer with a refusal and with nothing."""
    refused = await ask(model="refuse")
    assert refused[1].block == Refusal("")
    assert said(refused, "refusal")
    assert refused[-1].finishes[0].reason == "content_filter"
    assert [type(e) for e in await ask(model="empty")] == [Start, End]


@given(st.text())
def test_pieces_are_the_text(text: str) -> None:
    """Cutting into words loses nothing, and each piece holds at most one word."""
    assert "".join(pieces(text)) == text
    assert all(count(piece) <= 1 for piece in pieces(text))


@given(st.text(), st.integers(0, 5))
def test_first_words_is_a_beginning(text: str, most: int) -> None:
    """What is kept is the beginning of the text and has no more words than allowed."""
    kept = first_words(text, most)
    assert text.startswith(kept)
    assert count(kept) == min(most, count(text))
