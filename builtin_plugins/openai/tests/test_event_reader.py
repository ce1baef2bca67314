"""A provider's stream, ordinary and odd, as canonical events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from llmgate_core.dialect import Losses
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.messages import Audio, Image, RedactedThinking, Refusal, Source, Text, Thinking, Tool, ToolCall
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse, UpstreamRejected
from llmgate_core.usage import Usage

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

Chunk = Callable[..., dict[str, Any]]


def inner(events: list[Event]) -> list[Event]:
    """Without the start and the end."""
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], End)
    return events[1:-1]


def test_text(wire: Wire, chunk: Chunk) -> None:
    """Role, words, finish, usage, end: the head and what the provider adds to it are kept."""
    head = {"system_fingerprint": "fp", "service_tier": None}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = wire.events(
        chunk({"role": "assistant", "content": ""}, **head),
        chunk({"content": "Hel"}, **head, obfuscation="x"),
        chunk({"content": "lo"}, **head),
        chunk({}, "stop", service_tier="flex"),
        {**chunk(), "choices": [], "usage": usage},
    )
    assert events == [
        Start("chatcmpl-1", "m", 1, extra={"object": "chat.completion.chunk", "system_fingerprint": "fp"}),
        BlockStart(0, Text("")),
        BlockDelta(0, "text", "Hel"),
        BlockDelta(0, "text", "lo"),
        BlockStop(0),
        End((Finish("stop", 0, "stop"),), Usage(3, 2), {"service_tier": "flex"}),
    ]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_wt_296_reasoning_under_both_names(wire: Wire, chunk: Chunk, field: str) -> None:
    """Thinking, then text, each a block; thinking that comes again is another block."""
    events = wire.events(chunk({field: "a"}), chunk({field: "b"}), chunk({"content": "c"}), chunk({field: "d"}, "stop"))
    assert [event.block for event in events if isinstance(event, BlockStart)] == [Thinking(""), Text(""), Thinking("")]
    assert [event.text for event in events if isinstance(event, BlockDelta)] == ["a", "b", "c", "d"]
    both = wire.events(chunk({"reasoning": "a", "reasoning_content": "a"}), chunk({}, "stop"))
    assert [event.text for event in both if isinstance(event, BlockDelta)] == ["a"]


def test_wt_106_content_and_finish_in_one_chunk(wire: Wire, chunk: Chunk) -> None:
    """Both are taken."""
    events = wire.events(chunk({"role": "assistant", "content": "all"}, "length"))
    assert inner(events)[1] == BlockDelta(0, "text", "all")
    assert events[-1] == End((Finish("length", 0, "length"),))


def test_wt_291_choices_are_independent(wire: Wire, chunk: Chunk) -> None:
    """With n > 1 each choice has its own blocks and finish, however they alternate."""
    events = wire.events(
        chunk({"content": "a"}, index=1),
        chunk({"content": "b"}, index=0),
        chunk({"content": "c"}, "length", index=1),
        chunk({}, "stop", index=0),
    )
    said = {n: "".join(e.text for e in events if isinstance(e, BlockDelta) and e.choice == n) for n in (0, 1)}
    assert said == {0: "b", 1: "ac"}
    assert isinstance(events[-1], End)
    assert [(finish.choice, finish.reason) for finish in events[-1].finishes] == [(0, "stop"), (1, "length")]


def test_wt_292_logprobs_go_with_their_words(wire: Wire, chunk: Chunk) -> None:
    """Log probabilities, also those of a refusal, and vendors' fields of a choice stand in the delta's extra."""
    probe = {"content": [{"token": "a", "logprob": -1, "top_logprobs": []}], "refusal": None}
    one = chunk({"content": "a", "vendor": 1})
    one["choices"][0].update(logprobs=probe, token_ids=[5])
    events = wire.events(one, chunk({"refusal": "no"}), chunk({}, "stop"))
    deltas = [event for event in events if isinstance(event, BlockDelta)]
    assert deltas[0].extra == {"logprobs": probe, "token_ids": [5], "delta": {"vendor": 1}}
    assert deltas[1].kind == "refusal"
    assert [event.block for event in events if isinstance(event, BlockStart)] == [Text(""), Refusal("")]


def test_sound_and_pictures(wire: Wire, chunk: Chunk) -> None:
    """Sound grows with its transcript; a picture comes whole."""
    events = inner(
        wire.events(
            chunk({"audio": {"id": "au", "transcript": "he"}}),
            chunk({"audio": {"data": "QUI=", "transcript": "llo"}}),
            chunk({"images": [{"type": "image_url", "image_url": {"url": "https://x"}}]}),
            chunk({}, "stop"),
        )
    )
    assert events == [
        BlockStart(0, Audio(Source("base64", ""), extra={"id": "au", "transcript": "he"})),
        BlockDelta(0, "audio", "QUI=", extra={"transcript": "llo"}),
        BlockStop(0),
        BlockStart(1, Image(Source("url", "https://x"))),
        BlockStop(1),
    ]


def test_signed_thinking(wire: Wire, chunk: Chunk) -> None:
    """Signatures in both habits: with the whole text once more at the end, and piece by piece."""
    signed = {"type": "thinking", "thinking": "hm", "signature": "c2ln", "dialect": "other"}
    ours = inner(
        wire.events(
            chunk({"reasoning_content": "hm"}),
            chunk({"thinking_blocks": [{"index": 0, **signed}]}),
            chunk({"thinking_blocks": [{"type": "redacted_thinking", "data": "d"}]}),
            chunk({"content": "a"}, "stop"),
        )
    )
    assert ours == [
        BlockStart(0, Thinking("")),
        BlockDelta(0, "thinking", "hm"),
        BlockDelta(0, "signature", "c2ln", extra={"dialect": "other"}),
        BlockStop(0),
        BlockStart(1, RedactedThinking("d")),
        BlockStop(1),
        BlockStart(2, Text("")),
        BlockDelta(2, "text", "a"),
        BlockStop(2),
    ]
    pieces = inner(
        wire.events(
            chunk({"thinking_blocks": [{"type": "thinking", "thinking": "h"}]}),
            chunk({"reasoning_content": "m", "thinking_blocks": [{"type": "thinking", "thinking": "m"}]}),
            chunk({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "c2ln"}]}, "stop"),
        )
    )
    assert [(e.kind, e.text) for e in pieces if isinstance(e, BlockDelta)] == [
        ("thinking", "h"),
        ("thinking", "m"),
        ("signature", "c2ln"),
    ]


def test_azure_like_first_chunk(wire: Wire, chunk: Chunk) -> None:
    """A first chunk without choices and id begins nothing; what it holds goes with the start."""
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [1]}
    events = wire.events(first, chunk({"content": "a"}, "stop"))
    assert isinstance(events[0], Start)
    assert (events[0].id, events[0].extra["prompt_filter_results"]) == ("chatcmpl-1", [1])


def test_wt_109_usage_after_the_finish(wire: Wire, chunk: Chunk) -> None:
    """The end waits for the usage chunk; the last counts win, and later nothing never outweighs them."""
    counts = [{"prompt_tokens": 3, "completion_tokens": n, "total_tokens": 3 + n} for n in (1, 2)]
    events = wire.events(
        chunk({"content": "a"}, usage=counts[0]),
        chunk({}, "stop", usage=None),
        {**chunk(), "choices": [], "usage": counts[1]},
        {**chunk(), "choices": [], "usage": None},
    )
    assert isinstance(events[-1], End)
    assert events[-1].usage == Usage(3, 2)


def test_wt_320_later_zeros_do_not_overwrite(wire: Wire, chunk: Chunk) -> None:
    """A chunk that counts nothing never outweighs one that counted."""
    counts = [{"prompt_tokens": n, "completion_tokens": n, "total_tokens": 2 * n} for n in (3, 0)]
    chunks = [chunk({"content": "a"}, usage=counts[0]), chunk({}, "stop", usage=counts[1])]
    end = wire.events(*chunks)[-1]
    assert isinstance(end, End)
    assert end.usage == Usage(3, 3)
    probe = wire.dialect.probe(wire.request(stream=True))
    for one in chunks:
        probe.see(b"data: " + msgspec.json.encode(one) + b"\n\n")
    assert probe.summary.usage == Usage(3, 3)


def test_wt_110_trailing_chunks_are_dropped(wire: Wire, chunk: Chunk) -> None:
    """Nothing follows the end, not even another end."""
    done = b"data: [DONE]\n\n"
    events = wire.events(chunk({"content": "a"}, "stop"), done, chunk({"content": "b"}), done)
    assert isinstance(events[-1], End)
    assert [event.text for event in events if isinstance(event, BlockDelta)] == ["a"]
    assert len([event for event in events if isinstance(event, End)]) == 1


def test_close_after_the_finish_is_an_end(wire: Wire, chunk: Chunk) -> None:
    """A provider that forgets its end marker has still said why it ended."""
    assert isinstance(wire.events(chunk({"content": "a"}), chunk({}, "stop"), end=False)[-1], End)


def test_wt_083_close_before_the_finish_is_a_failure(wire: Wire, chunk: Chunk) -> None:
    """No finish reason (of some choice), no success."""
    for chunks in (
        (),
        (chunk({"content": "a"}),),
        (chunk({"content": "a"}, "stop", index=0), chunk({"content": "b"}, index=1)),
    ):
        last = wire.events(*chunks, end=False)[-1]
        assert isinstance(last, Failure)
        assert isinstance(last.error, StreamInterrupted)


def test_done_without_a_finish(wire: Wire, chunk: Chunk) -> None:
    """The end marker is enough; without any answer it is none."""
    assert wire.events(chunk({"content": "a"}))[-1] == End((Finish("stop"),))
    assert isinstance(wire.events()[-1], Failure)


@pytest.mark.parametrize("native", ["", None])
def test_wt_311_empty_finish_reason_is_none(wire: Wire, chunk: Chunk, native: Any) -> None:
    """Some servers write "" until the end."""
    events = wire.events(chunk({"content": "a"}, native), chunk({"content": "b"}, "stop"))
    assert "".join(event.text for event in events if isinstance(event, BlockDelta)) == "ab"


def test_wt_295_error_in_the_stream(wire: Wire, chunk: Chunk) -> None:
    """An error object ends the stream with the status it means; what follows is ignored."""
    error = {"error": {"message": "busy", "type": "overloaded_error", "code": None}}
    events = wire.events(chunk({"content": "a"}), error, chunk({"content": "b"}, "stop"))
    failure = events[-1]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, UpstreamRejected)
    assert (failure.error.status, failure.error.kind, len(events)) == (503, "overloaded", 4)
    inside = chunk({}, "error")
    inside["choices"][0]["error"] = {"code": 429, "message": "slow"}
    last = wire.events(chunk({"content": "a"}), inside)[-1]
    assert isinstance(last, Failure)
    assert last.error.status == 429


@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b'{"choices":7}', b'{"choices":[7]}', b'{"a":"\xff"}'])
def test_malformed_frame_is_the_providers_fault(wire: Wire, data: bytes) -> None:
    """After a broken frame the text could be corrupt: the stream must not go on."""
    with pytest.raises(UpstreamBadResponse):
        wire.events(b"data: " + data + b"\n\n")


def test_wt_075_framing(wire: Wire, chunk: Chunk) -> None:
    """Comments, CRLF, a missing space, data over several lines, and data after the end marker."""
    text = msgspec.json.encode(chunk({"content": "é"}))
    half = text.index(b"choices") - 1
    events = wire.events(
        b": hello\n\n",
        b"event: message\r\nid: 1\r\ndata:" + text + b"\r\n\r\n",
        b": still here\n\n",
        b"data: " + text[:half] + b"\ndata: " + text[half:] + b"\n\n",
        chunk({}, "stop"),
        b"data: [DONE]\r\n\r\n",
        chunk({"content": "late"}),
    )
    assert "".join(event.text for event in events if isinstance(event, BlockDelta)) == "éé"
    assert events.count(Ping()) == 1


def test_wt_090_names_are_restored_in_streams(wire: Wire, chunk: Chunk) -> None:
    """The client's name comes back, also when it arrives in pieces."""
    sent = wire.dialect.write_request(wire.foreign(tools=(Tool("a/b"),)), "m", Losses())
    shown = msgspec.json.decode(sent.body)["tools"][0]["function"]["name"]
    calls = [
        chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": shown[:4]}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": shown[4:], "arguments": "{}"}}]}, "tool_calls"),
    ]
    events = wire.events(*calls, wire=sent)
    assert BlockStart(0, ToolCall("c", "a/b", "")) in events
