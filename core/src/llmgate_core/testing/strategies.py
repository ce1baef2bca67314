"""Hypothesis strategies for canonical values: conversations and answers of a dialect that nobody speaks."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from llmgate_core.messages import (
    Block,
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Sampling,
    Source,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from llmgate_core.usage import Usage

from .canonical import PIXEL, SCHEMA

ELSEWHERE = "elsewhere"


def texts(smallest: int = 1) -> st.SearchStrategy[str]:
    """Text as people and models write it: any character but lone surrogates and NUL; not only white space."""
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(letters, min_size=smallest, max_size=12).filter(lambda text: not smallest or bool(text.strip()))


def names() -> st.SearchStrategy[str]:
    """Names of tools: plain ones, and ones that some wire formats do not allow."""
    return st.sampled_from(["weather", "get-time", "files.read", "a/b", "Ünïcode", "x" * 70, "x" * 69 + "y"])


def arguments() -> st.SearchStrategy[str]:
    """The JSON text of a tool call, compact: what becomes an object on the way comes back so."""
    values = st.none() | st.booleans() | st.integers(-9, 9) | texts(0)
    return st.dictionaries(texts(), values, max_size=2).map(
        lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


def user_blocks() -> st.SearchStrategy[Block]:
    """What a user says and shows."""
    images = st.sampled_from([Source("url", "https://example.org/a.png"), Source("base64", PIXEL, "image/png")])
    return st.builds(Text, texts()) | st.builds(Image, images)


@st.composite
def turns(draw: st.DrawFn, tools: tuple[str, ...], index: int) -> list[Message]:
    """A user's message and the assistant's answer to it; calls have their results, in one message or in several."""
    messages = [Message("user", tuple(draw(st.lists(user_blocks(), min_size=1, max_size=3))))]
    said: list[Block] = list(draw(st.lists(st.builds(Text, texts()), max_size=2)))
    calls = draw(st.lists(st.sampled_from(tools), max_size=3)) if tools else []
    made = [ToolCall(f"call_{index}_{number}", name, draw(arguments())) for number, name in enumerate(calls)]
    if not said and not made:
        said = [Text(draw(texts()))]
    messages.append(Message("assistant", (*said, *made)))
    results = [ToolResult(call.id, (Text(draw(texts())),)) for call in made]
    in_one_message: bool = draw(st.booleans())
    if results and in_one_message:
        messages.append(Message("user", tuple(results)))
    else:
        messages += [Message("tool", (result,)) for result in results]
    return messages


@st.composite
def chats(draw: st.DrawFn) -> ChatRequest:
    """A whole conversation, well-formed, that ends with the user."""
    offered = tuple(draw(st.lists(names(), unique=True, max_size=3)))
    messages = [Message("system", (Text(draw(texts())),))] if draw(st.booleans()) else []
    for index in range(draw(st.integers(0, 3))):
        messages += draw(turns(offered, index))
    messages.append(Message("user", tuple(draw(st.lists(user_blocks(), min_size=1, max_size=2)))))
    choices = [None, *(ToolChoice(mode) for mode in ("auto", "none", "required"))]
    choices += [ToolChoice("tool", name) for name in offered[-1:]]
    return ChatRequest(
        model="some-model",
        messages=tuple(messages),
        tools=tuple(Tool(name, draw(st.none() | texts()), dict(SCHEMA)) for name in offered),
        tool_choice=draw(st.sampled_from(choices)) if offered else None,
        output=draw(st.sampled_from([None, OutputFormat("json_schema", dict(SCHEMA), "answer")])),
        sampling=Sampling(
            max_tokens=draw(st.none() | st.integers(1, 4000)),
            temperature=draw(st.none() | st.sampled_from([0.0, 0.3, 1.0])),
            stop=tuple(draw(st.lists(st.sampled_from(["END", "\n\n", "ß"]), unique=True, max_size=2))),
        ),
        reasoning=draw(st.sampled_from([None, Reasoning(effort="low"), Reasoning(effort="high")])),
        stream=draw(st.booleans()),
        dialect=ELSEWHERE,
    )


@st.composite
def answers(draw: st.DrawFn) -> ChatResponse:
    """A whole answer: thinking, then text or a refusal, then calls, and an end that fits."""
    blocks: list[Block] = [Thinking(text, None, ELSEWHERE) for text in draw(st.lists(texts(), max_size=1))]
    blocks += draw(st.lists(st.builds(Text, texts()), max_size=2))
    calls = draw(st.lists(st.sampled_from(["weather", "clock"]), max_size=3))
    blocks += [ToolCall(f"call_{number}", name, draw(arguments())) for number, name in enumerate(calls)]
    reason: FinishReason = "tool_calls" if calls else draw(st.sampled_from(["stop", "length", "content_filter"]))
    if not blocks and draw(st.booleans()):
        blocks, reason = [Refusal(draw(texts()))], "content_filter"
    count = st.integers(0, 10_000)
    cached = draw(st.none() | count)
    usage = Usage(draw(count) + (cached or 0), draw(count), cache_read_tokens=cached)
    choice = Choice(Message("assistant", tuple(blocks)), reason)
    return ChatResponse("answer-1", "some-model", (choice,), usage, created=1_700_000_000, dialect=ELSEWHERE)
