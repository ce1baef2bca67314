"""Canonical events, from whatever provider, as the stream a client gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from llmgate_core.assembly import events_of
from llmgate_core.errors import RateLimited
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.messages import (
    Audio,
    ChatResponse,
    Choice,
    Image,
    Message,
    Opaque,
    RedactedThinking,
    Source,
    Text,
    Thinking,
    ToolCall,
)
from llmgate_core.usage import Usage

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

Check = Callable[[list[Any]], list[ChatCompletionChunk]]
START = Start("msg_1", "other-model")
STOP = End((Finish("stop", native="end_turn"),), Usage(3, 2))
HI = (BlockStart(0, Text("")), BlockDelta(0, "text", "hi"), BlockStop(0))
USAGE = {"stream_options": {"include_usage": True}}


def call(index: int, *arguments: str, name: str = "f", call_id: str = "c") -> list[Event]:
    """A tool call in these pieces."""
    start = BlockStart(index, ToolCall(call_id, name, ""))
    return [start, *(BlockDelta(index, "arguments", piece) for piece in arguments), BlockStop(index)]


def deltas(frames: list[Any]) -> list[Any]:
    """The deltas of all chunks, the empty ones too."""
    return [choice["delta"] for frame in frames[:-1] for choice in frame["choices"]]


def test_wt_084_chunks_of_a_text(wire: Wire, check_chunks: Check) -> None:
    """Role, words, one finish chunk with an empty delta, the end marker; no usage that nobody asked for."""
    frames = wire.stream([START, *HI, STOP])
    check_chunks(frames)
    assert deltas(frames) == [{"role": "assistant", "content": ""}, {"content": "hi"}, {}]
    assert [frame["choices"][0]["finish_reason"] for frame in frames[:-1]] == [None, None, "stop"]
    assert all("usage" not in frame for frame in frames[:-1])


def test_wt_084_usage_chunk_when_asked(wire: Wire, check_chunks: Check) -> None:
    """It comes last, without choices; before it usage is null."""
    frames = wire.stream([START, *HI, STOP], **USAGE)
    chunks = check_chunks(frames)
    assert [frame["usage"] for frame in frames[:-2]] == [None, None, None]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.total_tokens) == (3, 5)
    told_nothing = wire.stream([START, *HI, evolve(STOP, usage=None)], **USAGE)
    assert check_chunks(told_nothing)[-1].choices[0].finish_reason == "stop"


def test_wt_293_role_once_and_delta_always(wire: Wire) -> None:
    """Each choice says its role in its first chunk only, and no chunk lacks its delta object."""
    found = deltas(wire.stream([START, *HI, *call(1, "{}"), STOP], **USAGE))
    assert [("role" in delta) for delta in found] == [True, False, False, False, False]
    assert all(isinstance(delta, dict) for delta in found)


def test_wt_082_id_and_created_are_constant(wire: Wire, check_chunks: Check) -> None:
    """All chunks are one answer, made up or not."""
    for start in (START, Start("", "", created=7)):
        chunks = check_chunks(wire.stream([start, *HI, STOP], model="asked", **USAGE))
        assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
        assert chunks[0].id
        assert chunks[0].model == (start.model or "asked")


def test_wt_071_start_of_a_call(wire: Wire, check_chunks: Check) -> None:
    """The first delta of a call has index, id, type, name and empty arguments; later ones only arguments."""
    frames = wire.stream([START, *call(0, '{"a"', ":1}"), STOP])
    check_chunks(frames)
    assert deltas(frames) == [
        {"role": "assistant", "content": None},
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {},
    ]


def test_wt_072_call_without_arguments(wire: Wire) -> None:
    """Its arguments parse all the same."""
    assert deltas(wire.stream([START, *call(0), STOP]))[2] == {
        "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]
    }


def test_wt_073_tool_index_counts_calls_only(wire: Wire) -> None:
    """Blocks that are no calls have no part in the numbering, and calls that interleave keep theirs."""
    events: list[Event] = [
        START,
        *HI,
        *call(1, "1", call_id="a"),
        BlockStart(2, Thinking("")),
        BlockStop(2),
        *call(3, "2", call_id="b"),
        STOP,
    ]
    entries = [delta["tool_calls"][0] for delta in deltas(wire.stream(events)) if "tool_calls" in delta]
    assert [(entry["index"], entry.get("id")) for entry in entries] == [(0, "a"), (0, None), (1, "b"), (1, None)]
    one, two = call(0, "1", call_id="a"), call(1, "2", call_id="b")
    mixed = [START, one[0], two[0], two[1], one[1], one[2], two[2], STOP]
    entries = [delta["tool_calls"][0] for delta in deltas(wire.stream(mixed)) if "tool_calls" in delta]
    assert [entry["index"] for entry in entries] == [0, 1, 1, 0]


def test_finish_is_tool_calls_when_tools_were_called(wire: Wire, check_chunks: Check) -> None:
    """Whatever the other provider called it; its own word is told beside."""
    frames = wire.stream([START, *call(0, "{}"), STOP])
    assert check_chunks(frames)[-1].choices[0].finish_reason == "tool_calls"
    assert frames[-2]["choices"][0]["native_finish_reason"] == "end_turn"
    cut = wire.stream([START, *call(0, "{"), End((Finish("length"),))])
    assert check_chunks(cut)[-1].choices[0].finish_reason == "length"


def test_wt_067_stop_sequence(wire: Wire) -> None:
    """The string that matched stands in an extension field of the finish chunk."""
    frames = wire.stream([START, *HI, End((Finish("stop", stop_sequence="END"),))])
    assert frames[-2]["choices"][0]["stop_sequence"] == "END"


def test_wt_070_server_tools_are_not_shown(wire: Wire) -> None:
    """A block of another provider's own gives no chunk, nor do deltas for it."""
    events: list[Event] = [
        START,
        BlockStart(0, Opaque("other", "server_tool_use", {})),
        BlockDelta(0, "arguments", "{}"),
        BlockStop(0),
    ]
    assert deltas(wire.stream([*events, *(evolve(event, index=1) for event in HI), STOP]))[1:] == [
        {"content": "hi"},
        {},
    ]


def test_wt_076_ping_is_a_comment(wire: Wire) -> None:
    """It keeps the connection alive and is no chunk."""
    writer = wire.dialect.event_writer(wire.request(stream=True))
    assert writer.write(Ping()).startswith(b":")


def test_wt_081_thinking_in_a_stream_can_be_replayed(wire: Wire, check_chunks: Check) -> None:
    """What the SDK collects holds signed and redacted thinking as it must go back."""
    thinking = Thinking("", dialect="other.dialect")
    events: list[Event] = [
        START,
        BlockStart(0, thinking),
        BlockDelta(0, "thinking", "h"),
        BlockDelta(0, "thinking", "m"),
        BlockDelta(0, "signature", "c2ln"),
        BlockStop(0),
        BlockStart(1, RedactedThinking("ZA==", "other.dialect")),
        BlockStop(1),
        *(evolve(event, index=2) for event in HI),
        STOP,
    ]
    state = ChatCompletionStreamState()
    for chunk in check_chunks(wire.stream(events)):
        state.handle_chunk(chunk)
    message = state.current_completion_snapshot.choices[0].message.model_dump()
    assert message["reasoning_content"] == "hm"
    replayed = wire.read(messages=[{"role": "user", "content": "?"}, message]).messages[1].content
    assert replayed == (
        Thinking("hm", "c2ln", "other.dialect"),
        RedactedThinking("ZA==", "other.dialect"),
        Text("hi"),
    )


def test_citations_come_at_the_end(wire: Wire) -> None:
    """Links become annotations with their place in the whole text; others are given as they came."""
    events: list[Event] = [
        START,
        *HI,
        BlockStart(1, Text("")),
        BlockDelta(1, "text", "there"),
        BlockDelta(1, "citation", "", extra={"citation": {"url": "https://x", "title": "X"}}),
        BlockDelta(1, "citation", "", extra={"citation": {"type": "page_location"}}),
        BlockStop(1),
        STOP,
    ]
    last = deltas(wire.stream(events))[-2]
    link = {"start_index": 2, "end_index": 7, "url": "https://x", "title": "X"}
    assert last["annotations"] == [{"type": "url_citation", "url_citation": link}]
    assert last["citations"] == [{"type": "page_location"}]


def test_sound_pictures_and_refusals(wire: Wire, check_chunks: Check) -> None:
    """Each has its own delta."""
    events: list[Event] = [
        START,
        BlockStart(0, Audio(Source("base64", ""), "wav")),
        BlockDelta(0, "audio", "QUJD"),
        BlockStop(0),
        BlockStart(1, Image(Source("base64", "QUJD", "image/png"))),
        BlockStop(1),
        STOP,
    ]
    frames = wire.stream(events)
    check_chunks(frames)
    assert {"audio": {"data": "QUJD"}} in deltas(frames)
    assert {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]} in deltas(frames)


def test_wt_291_choices_of_a_stream(wire: Wire, check_chunks: Check) -> None:
    """Each choice has its role, its calls and its finish."""
    choices = tuple(Choice(Message("assistant", (ToolCall(f"c{n}", "f", "{}"),)), "tool_calls", n) for n in range(2))
    chunks = check_chunks(wire.stream(events_of(ChatResponse("i", "m", choices)), **USAGE))
    for number in range(2):
        mine = [choice for chunk in chunks for choice in chunk.choices if choice.index == number]
        assert mine[0].delta.role == "assistant"
        assert mine[1].delta.tool_calls is not None
        assert mine[1].delta.tool_calls[0].index == 0
        assert [choice.finish_reason for choice in mine if choice.finish_reason] == ["tool_calls"]


def test_answer_without_content_is_complete(wire: Wire, check_chunks: Check) -> None:
    """Nothing was said: there is still a role and a finish."""
    chunks = check_chunks(wire.stream([START, End((Finish("content_filter"),))]))
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None]
    assert chunks[-1].choices[0].finish_reason == "content_filter"


def test_older_clients_get_function_calls(wire: Wire, check_chunks: Check) -> None:
    """Who asked with ``functions`` reads ``function_call``, of which there is one."""
    frames = wire.stream([START, *call(0, "{}"), *call(1, "[]"), STOP], functions=[{"name": "f"}])
    check_chunks(frames)
    assert deltas(frames)[1:3] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    assert len(frames) == 5
    assert frames[-2]["choices"][0]["finish_reason"] == "function_call"


def test_failure_is_an_error_frame(wire: Wire) -> None:
    """The error, and no end marker behind it."""
    (frame,) = wire.stream([START, Failure(RateLimited("slow down"))])
    assert (frame["error"]["message"], frame["error"]["type"]) == ("slow down", "rate_limit_error")


@pytest.mark.parametrize("text", ['\u2028\x00"\\', "é\n\n", "\U0001f600"])
def test_any_text_stays_in_its_frame(wire: Wire, text: str) -> None:
    """Nothing that a model writes can end a frame or leave its string."""
    frames = wire.stream([START, HI[0], BlockDelta(0, "text", text), HI[2], STOP])
    assert deltas(frames)[1] == {"content": text}
