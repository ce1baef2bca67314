"""What goes over the plain wire, in one call each."""

from __future__ import annotations

from typing import Any

import attrs

from llmgate_core.assembly import events_of
from llmgate_core.events import BlockDelta, Event
from llmgate_core.messages import ChatResponse, Choice, Message, Text
from llmgate_core.testing.answers import Gate, Reply, Stream
from llmgate_core.usage import Usage

from .codec import Codec, dumps, loads


def say(text: str = "Hello.", model: str = "parrot/any", *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """What a client sends: one user message, and whatever fields besides."""
    message = {"role": "user", "content": [{"type": "Text", "text": text}]}
    return {"model": model, "messages": [message], **({"stream": True} if stream else {}), **fields}


def told(text: str = "Hello back.", usage: Usage | None = None) -> Reply:
    """A provider's whole answer."""
    return Reply(200, dumps(Codec().write(_answer(text, usage))))


def told_stream(text: str = "Hello back.", usage: Usage | None = None, *, gate: Gate | None = None) -> Stream:
    """A provider's streamed answer, one frame a word; before the last word it waits at the gate."""
    codec = Codec()
    frames: list[bytes | float | Gate] = [
        b"data: " + dumps(codec.write(event, Event)) + b"\n\n" for event in _words(_answer(text, usage))
    ]
    if gate is not None:
        frames.insert(len(frames) - 3, gate)
    return Stream(frames)


def said(body: bytes) -> str:
    """The visible text of a whole answer."""
    answer: ChatResponse = Codec().read(loads(body), ChatResponse)
    return "".join(b.text for choice in answer.choices for b in choice.message.content if isinstance(b, Text))


def _answer(text: str, usage: Usage | None) -> ChatResponse:
    choice = Choice(Message("assistant", (Text(text),)), "stop")
    return ChatResponse("answer-1", "some-model", (choice,), usage or Usage(3, 2), created=1_700_000_000)


def _words(answer: ChatResponse) -> list[Event]:
    events: list[Event] = []
    for event in events_of(answer):
        if isinstance(event, BlockDelta):
            first, *rest = event.text.split(" ")
            events += [attrs.evolve(event, text=word) for word in (first, *(f" {word}" for word in rest))]
        else:
            events.append(event)
    return events
