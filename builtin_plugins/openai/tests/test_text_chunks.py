"""A piece of text is read at once, and comes out as the patient reader has it."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from llmgate_core.errors import GatewayError
from llmgate_core.events import BlockDelta, Event
from llmgate_openai.event_reader import ChatEventReader
from llmgate_openai.text_chunks import text_of

HEAD: dict[str, Any] = {"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "obfuscation": "x"}
CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
VALUES: list[Any] = [None, True, 0, 1, 1.0, "", "x", "stop", [], {}, [CALL], [{"index": 0, "delta": {"content": "y"}}]]
PLACES: list[tuple[Any, ...]] = [(), ("choices", 0), ("choices", 0, "delta")]
NAMES = [
    *("object", "system_fingerprint", "service_tier", "usage", "error", "choices", "vendor", "index", "delta"),
    *("finish_reason", "logprobs", "stop_sequence", "content", "tool_calls", "reasoning", "role", "refusal"),
]


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chunk of the first choice."""
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}], **more}


def events(chunks: list[Any], lead: bytes) -> list[Any]:
    """What is read of each chunk, or the error that it is. Only after ``data: `` a chunk is looked at quickly."""
    reader = ChatEventReader(str)
    found: list[Any] = []
    for one in chunks:
        try:
            found.append(list(reader.read(lead + msgspec.json.encode(one) + b"\n\n")))
        except GatewayError as error:
            found.append((type(error), error.message))
    return [*found, list(reader.close())]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("start", [{}, {"system_fingerprint": "x", "service_tier": "x"}])
def test_a_chunk_is_read_as_any_other(place: tuple[Any, ...], start: dict[str, Any]) -> None:
    """Whatever is different about it, and whatever the next one then gets to go along with it."""
    for name in NAMES:
        for value in VALUES:
            altered: Any = copy.deepcopy(chunk({"content": "b"}))
            spot = altered
            for step in place:
                spot = spot[step]
            spot[name] = value
            said, last = chunk({"content": "c"}), {**chunk({}), **start}
            last["choices"][0]["finish_reason"] = "stop"
            chunks = [chunk({"content": "a"}, **start), altered, said, said, last]
            assert repr(events(chunks, b"data: ")) == repr(events(chunks, b"data:"))


def test_text_is_read_at_once() -> None:
    """Or the property above would hold for nothing; and what is no UTF-8 is no text."""
    frame = b"data: " + msgspec.json.encode(chunk({"content": "é"})) + b"\n\n"
    assert text_of(frame, HEAD) == "é"
    assert text_of(frame.replace("é".encode(), b"\xe9"), HEAD) == ""
    reader = ChatEventReader(str)
    read: list[Event] = [event for _ in range(3) for event in reader.read(frame)]
    assert read[2:] == [BlockDelta(0, "text", "é")] * 3
