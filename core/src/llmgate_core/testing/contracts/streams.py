"""The part of the dialect contract about streams: read in any pieces, watched, written, and broken off."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core.assembly import events_of
from llmgate_core.dialect import Dialect, StreamProbe
from llmgate_core.errors import RateLimited
from llmgate_core.events import End, Failure, Ping
from llmgate_core.frames import FrameKind, parse_sse, write_sse
from llmgate_core.testing.canonical import answers
from llmgate_core.testing.event_rules import check_events
from llmgate_core.testing.mutations import mutated

from .answers import bears, gist
from .base import DialectSamples, assemble, read_events, split, written


class StreamContract(DialectSamples):
    """Streamed answers, on both faces."""

    # ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_stream_is_well_formed(self, dialect: Dialect, stream_body: bytes) -> None:
        """A true stream gives events by the rules, and they end well."""
        events = check_events(read_events(dialect, self.wire_of(dialect, stream=True), split(dialect, stream_body)))
        assert isinstance(events[-1], End)
        assert assemble(events).choices

    def test_pieces_do_not_matter(self, dialect: Dialect, stream_body: bytes) -> None:
        """However the network cuts a stream, inside a character too, its frames and events are the same."""
        whole = split(dialect, stream_body)
        wire = self.wire_of(dialect, stream=True)
        events = read_events(dialect, wire, whole)

        @settings(max_examples=50, deadline=None)
        @given(st.lists(st.integers(0, len(stream_body)), max_size=12))
        def check(cuts: list[int]) -> None:
            edges = [0, *sorted(cuts), len(stream_body)]
            pieces = [stream_body[a:b] for a, b in pairwise(edges)]
            assert split(dialect, *pieces) == whole

        check()
        bytewise = split(dialect, *(stream_body[i : i + 1] for i in range(len(stream_body))))
        assert read_events(dialect, wire, bytewise) == events

    def test_stream_that_breaks_off_is_no_success(self, dialect: Dialect, stream_body: bytes) -> None:
        """After every frame the provider may close: the events stay well-formed, and an end without a reason is a Failure."""
        frames = split(dialect, stream_body)
        wire = self.wire_of(dialect, stream=True)
        ends = [type(check_events(read_events(dialect, wire, frames[:n]))[-1]) for n in range(len(frames) + 1)]
        assert ends[:2] == [Failure, Failure]
        assert ends[-1] is End
        assert Failure not in ends[ends.index(End) :]

    def test_odd_frame_is_read_or_refused(self, dialect: Dialect, stream_body: bytes) -> None:
        """A provider's slip inside a frame is borne, or UpstreamBadResponse; nothing else is raised."""
        frames = split(dialect, stream_body)
        wire, request = self.wire_of(dialect, stream=True), self.stream_request(dialect)
        readable = [n for n, frame in enumerate(frames) if (sse := parse_sse(frame)) and sse.data[:1] == b"{"]

        @settings(max_examples=100, deadline=None)
        @given(st.data(), st.sampled_from(readable))
        def check(data: st.DataObject, number: int) -> None:
            sse = parse_sse(frames[number])
            assert sse is not None
            body = json.dumps(data.draw(mutated(json.loads(sse.data)))).encode()
            odd = write_sse(body, "" if sse.event == "message" else sse.event)
            changed = [*frames[:number], odd, *frames[number + 1 :]]
            bears(lambda _: check_events(read_events(dialect, wire, changed)), odd)
            bears(lambda _: watch(dialect.probe(request), changed), odd)

        check()

    # ── watched ──────────────────────────────────────────────────────────────────────────────────────────────────

    def test_probe_sees_what_the_reader_reads(self, dialect: Dialect, stream_body: bytes) -> None:
        """A relayed stream has content, then its end; usage, model and finish reason are those of the events."""
        frames = split(dialect, stream_body)
        probe = dialect.probe(self.stream_request(dialect))
        kinds = watch(probe, frames)
        answer = assemble(read_events(dialect, self.wire_of(dialect, stream=True), frames))
        assert probe.complete
        assert probe.error is None
        assert FrameKind.ERROR not in kinds
        assert FrameKind.LAST in kinds or not dialect.end_marker
        assert FrameKind.CONTENT in kinds or not answer.choices[0].message.content
        assert probe.summary.usage == answer.usage
        assert probe.summary.finish_reason == answer.choices[0].finish_reason

    def test_probe_is_not_content_too_soon(self, dialect: Dialect, stream_body: bytes) -> None:
        """Nothing is complete before its end, and no frame after the last one counts."""
        frames = split(dialect, stream_body)
        probe = dialect.probe(self.stream_request(dialect))
        assert not probe.complete
        probe.see(frames[0])
        assert not probe.complete

    # ── written ──────────────────────────────────────────────────────────────────────────────────────────────────

    def test_own_stream_loses_nothing(self, dialect: Dialect, stream_body: bytes) -> None:
        """Read, written in its own dialect and read again, a stream tells the same answer."""
        wire = self.wire_of(dialect, stream=True)
        events = read_events(dialect, wire, split(dialect, stream_body))
        again = check_events(
            read_events(dialect, wire, split(dialect, written(dialect, self.stream_request(dialect), events)))
        )
        assert assemble(again) == assemble(events)

    @pytest.mark.parametrize("name", answers())
    def test_stream_of_another_dialect_is_written(self, dialect: Dialect, name: str) -> None:
        """Text, tool calls, finish reason and token counts of any stream arrive in this dialect, complete."""
        answer = answers()[name]
        data = written(dialect, self.stream_request(dialect), events_of(answer))
        events = check_events(read_events(dialect, self.wire_of(dialect, stream=True), split(dialect, data)))
        assert gist(assemble(events), answer.usage) == gist(answer, answer.usage)
        probe = dialect.probe(self.stream_request(dialect))
        watch(probe, split(dialect, data))
        assert probe.complete
        assert data.endswith(dialect.end_marker)

    def test_interleaved_blocks_are_not_mixed(self, dialect: Dialect) -> None:
        """Two tool calls whose arguments come in turns arrive as two whole calls, in order."""
        answer = answers()["text and tools"]
        events = events_of(answer)
        blocks = [event for event in events if getattr(event, "index", 0) > 0]
        turns = [
            event for pair in zip(blocks[: len(blocks) // 2], blocks[len(blocks) // 2 :], strict=True) for event in pair
        ]
        mixed = check_events([*(event for event in events[:-1] if event not in blocks), *turns, events[-1]])
        data = written(dialect, self.stream_request(dialect), mixed)
        again = check_events(read_events(dialect, self.wire_of(dialect, stream=True), split(dialect, data)))
        assert gist(assemble(again), answer.usage) == gist(answer, answer.usage)

    def test_writers_share_nothing(self, dialect: Dialect) -> None:
        """Two streams written at the same time do not meet."""
        first, second = events_of(answers()["one tool"]), events_of(answers()["text"])
        alone = [
            written(dialect, self.stream_request(dialect), first),
            written(dialect, self.stream_request(dialect), second),
        ]
        writers = [dialect.event_writer(self.stream_request(dialect)) for _ in range(2)]
        together = [b"", b""]
        for pair in zip(first, second, strict=False):
            together = [data + w.write(e) for data, w, e in zip(together, writers, pair, strict=True)]
        shorter = min(len(first), len(second))
        together[0] += b"".join(writers[0].write(event) for event in first[shorter:])
        together[1] += b"".join(writers[1].write(event) for event in second[shorter:])
        assert [dateless(data) for data in together] == [dateless(data) for data in alone]

    def test_ping_means_nothing(self, dialect: Dialect) -> None:
        """A ping inside a stream changes nothing of the answer, nor does the dialect's keep-alive."""
        wire = self.wire_of(dialect, stream=True)
        events = events_of(answers()["text"])
        data = written(dialect, self.stream_request(dialect), [events[0], Ping(), *events[1:]])
        assert (
            gist(assemble(read_events(dialect, wire, split(dialect, data))), None)[1:]
            == gist(answers()["text"], None)[1:]
        )
        probe = dialect.probe(self.stream_request(dialect))
        assert [probe.see(frame) for frame in split(dialect, dialect.keep_alive)] == [FrameKind.IDLE]

    def test_failure_ends_a_stream(self, dialect: Dialect) -> None:
        """The terminal error event is one the dialect's own reader and probe know, and keeps its message."""
        error = RateLimited("slow down, please", retry_after=1)
        data = dialect.write_stream_error(error, "request-1")
        assert not data.endswith(dialect.end_marker or b"\0")
        probe = dialect.probe(self.stream_request(dialect))
        assert FrameKind.ERROR in watch(probe, split(dialect, data))
        assert probe.error is not None
        last = read_events(dialect, self.wire_of(dialect, stream=True), split(dialect, data))[-1]
        assert isinstance(last, Failure)
        assert "slow down, please" in last.error.message
        assert {last.error.kind, probe.error.kind} == {"rate_limit"}


def watch(probe: StreamProbe, frames: list[bytes]) -> list[FrameKind]:
    """What each frame is, up to the last one that counts."""
    kinds = []
    for frame in frames:
        kinds.append(probe.see(frame))
        if kinds[-1] in {FrameKind.LAST, FrameKind.ERROR}:
            break
    return kinds


def dateless(data: bytes) -> bytes:
    """A stream without the digits in it: ids and times may differ."""
    return bytes(byte for byte in data if not 48 <= byte <= 57)
