"""A stream relayed untouched, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.frames import FrameKind
from llmgate_core.upstream_errors import UpstreamBadResponse, UpstreamRejected
from llmgate_core.usage import Usage
from llmgate_openai.probe import ChatProbe

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

Chunk = Callable[..., dict[str, Any]]
DONE = b"data: [DONE]\n\n"


def frame(chunk: Any) -> bytes:
    """A frame."""
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


@pytest.fixture
def probe(wire: Wire) -> ChatProbe:
    """For a client that did not ask for usage."""
    return wire.dialect.probe(wire.request(stream=True))


@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        ({"role": "assistant", "content": ""}, FrameKind.LIFECYCLE),
        ({"role": "assistant", "content": None, "refusal": None}, FrameKind.LIFECYCLE),
        ({}, FrameKind.LIFECYCLE),
        ({"content": "a"}, FrameKind.CONTENT),
        ({"tool_calls": [{"index": 0, "id": "c"}]}, FrameKind.CONTENT),
        ({"function_call": {"name": "f"}}, FrameKind.CONTENT),
        ({"refusal": "no"}, FrameKind.CONTENT),
        ({"reasoning": "hm"}, FrameKind.CONTENT),
        ({"reasoning_content": "hm"}, FrameKind.CONTENT),
        ({"audio": {"id": "a"}}, FrameKind.CONTENT),
    ],
)
def test_kinds_of_chunks(probe: ChatProbe, chunk: Chunk, delta: dict[str, Any], kind: FrameKind) -> None:
    """A role alone commits nothing; whatever a client could show does."""
    assert probe.see(frame(chunk(delta))) is kind


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b": keep-alive\n\n", FrameKind.IDLE),
        (b":\r\n\r\n", FrameKind.IDLE),
        (b"event: ping\n\n", FrameKind.IDLE),
        (DONE, FrameKind.LAST),
        (b"data:[DONE]\r\n\r\n", FrameKind.LAST),
        (b'data: {"choices": {}}\n\n', FrameKind.CONTENT),
        (b'data: {"choices": [{"delta": {"content": 7}, "index": "x"}]}\n\n', FrameKind.CONTENT),
    ],
)
def test_kinds_of_frames(probe: ChatProbe, raw: bytes, kind: FrameKind) -> None:
    """Comments are idle, the end marker is the last; JSON of an odd shape is relayed."""
    assert probe.see(raw) is kind


@pytest.mark.parametrize("data", [b"{", b'{"choices":[}', b"[]", b'"x"', b'{"a":"\xff"}', b"NaN", b"[" * 100_000])
def test_malformed_frame_is_not_relayed(probe: ChatProbe, data: bytes) -> None:
    """The SDK would raise on it, or show corrupt text."""
    with pytest.raises(UpstreamBadResponse):
        probe.see(b"data: " + data + b"\n\n")


def test_usage_chunk_is_dropped_unless_asked_for(wire: Wire, chunk: Chunk) -> None:
    """The gateway asks for it and reads it; only a client that asked too gets to see it."""
    usage = {**chunk(), "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    for asked, kind in ((False, FrameKind.DROP), (True, FrameKind.LIFECYCLE)):
        probe = wire.dialect.probe(wire.request(stream=True, stream_options={"include_usage": asked}))
        assert probe.see(frame(chunk({"content": "a"}, usage=None))) is FrameKind.CONTENT
        assert probe.see(frame(usage)) is kind
        assert probe.summary.usage == Usage(3, 2)
        assert probe.summary.model == "m"


def test_usage_beside_content_is_relayed(probe: ChatProbe, chunk: Chunk) -> None:
    """Some servers tell it all along, or in the finish chunk: the last counts win, hostile ones say nothing."""
    for number in (1, 2):
        counts = {"prompt_tokens": 3, "completion_tokens": number, "total_tokens": 3 + number}
        assert probe.see(frame(chunk({"content": "a"}, usage=counts))) is FrameKind.CONTENT
    probe.see(frame(chunk({}, "stop", usage={"prompt_tokens": -5, "completion_tokens": 1e30})))
    assert probe.summary.usage == Usage(3, 2)


def test_complete(probe: ChatProbe, chunk: Chunk) -> None:
    """Every choice that was seen has told its finish reason, or the end marker came."""
    probe.see(frame(chunk({"content": "a"}, index=0)))
    probe.see(frame(chunk({"content": "b"}, index=1)))
    assert not probe.complete
    probe.see(frame(chunk({}, "length", index=1)))
    assert not probe.complete
    probe.see(frame(chunk({}, "stop", index=0)))
    states = [probe.complete]
    for raw in (frame(chunk({"content": "c"}, index=2)), DONE):
        probe.see(raw)
        states.append(probe.complete)
    assert states == [True, False, True]
    assert probe.summary.finish_reason == "stop"


def test_calls_outweigh_the_finish_reason(probe: ChatProbe, chunk: Chunk) -> None:
    """As in the canonical form: an answer that calls tools ends in tool_calls."""
    probe.see(frame(chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]})))
    probe.see(frame(chunk({}, "stop")))
    assert probe.summary.finish_reason == "tool_calls"


def test_wt_295_error_chunks(wire: Wire) -> None:
    """An error object in the stream is an error with the status it means."""
    cases: list[tuple[Any, int]] = [
        ({"message": "busy", "type": "overloaded_error"}, 503),
        ({"message": "slow", "code": 429}, 429),
        ({"message": "bad", "code": "400", "type": "BadRequestError"}, 400),
        ({"message": "who", "code": 401}, 502),
        ({"message": "?"}, 502),
        ("just a text", 502),
    ]
    for error, status in cases:
        probe = wire.dialect.probe(wire.request(stream=True))
        assert probe.see(frame({"error": error})) is FrameKind.ERROR
        assert isinstance(probe.error, UpstreamRejected)
        assert probe.error.status == status
    odd = wire.dialect.probe(wire.request(stream=True))
    assert odd.see(frame({"choices": 7, "error": {"message": "x", "code": 429}})) is FrameKind.ERROR


ODD = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["choices", "delta", "error", "usage", "content", "index"]), inner | st.lists(inner, max_size=2)
    ),
)


@given(st.binary(max_size=40) | ODD.map(frame))
def test_any_frame_is_seen_or_refused(raw: bytes) -> None:
    """Nothing else than UpstreamBadResponse is raised, whatever comes."""
    probe = ChatProbe(drop_usage=True)
    try:
        assert isinstance(probe.see(raw), FrameKind)
    except UpstreamBadResponse as error:
        assert error.message  # noqa: PT017 - either outcome is right
