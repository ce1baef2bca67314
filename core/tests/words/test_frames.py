"""Server-sent events, split from any packets and read as the standard says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmgate_core.frames import LONGEST_FRAME, SseFrame, SseFramer, parse_sse, write_sse
from llmgate_core.upstream_errors import UpstreamBadResponse

DATA = ("data: a", "data:b", "data", "data:  c", "data: é🐘", "data: \u2028\u2029\x85\x0b\x0c", "data: {}", "data: a:b")
LINES = st.sampled_from([*DATA, ": comment", ":", "event: x", "event", "id: 1", "retry: 5", "odd: 1", " data: no"])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
streams = st.lists(st.tuples(st.lists(LINES, max_size=4), ENDS), max_size=5)


def fed(data: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    """The frames of ``data`` fed in pieces, and the rest."""
    framer = SseFramer()
    frames: list[bytes] = []
    for start, end in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]):
        frames += framer.feed(data[start:end])
    return frames, framer.rest()


def written(stream: list[tuple[list[str], str]]) -> bytes:
    """A stream as text, each frame with its own kind of line end."""
    return "".join("".join(line + end for line in lines) + end for lines, end in stream).encode()


def events(frames: list[bytes], rest: bytes) -> list[SseFrame]:
    """What the frames say; the end of the stream ends the last one."""
    return [event for one in [*frames, rest] if (event := parse_sse(one)) is not None]


@given(streams, st.lists(st.integers(0, 10_000), max_size=30))
@example([(["data: a"], "\r\n"), (["data: b"], "\r\n")], [8, 9, 10, 11])
@example([(["data: a"], "\r"), (["data: b"], "\n")], [8, 9])
@example([([], "\r"), (["data: é🐘"], "\r\n")], list(range(40)))
def test_any_chunking_gives_the_same_events(stream: list[tuple[list[str], str]], cuts: list[int]) -> None:
    """Split anywhere, also inside a character or between CR and LF: the same bytes and the same events."""
    data = written(stream)
    frames, rest = fed(data, cuts)
    assert b"".join(frames) + rest == data
    assert events(frames, rest) == events(*fed(data, []))


@given(streams, st.lists(st.integers(0, 10_000), max_size=10))
def test_events_are_those_of_the_standard(stream: list[tuple[list[str], str]], cuts: list[int]) -> None:
    """Compared with the plainest reading of the specification, line by line."""
    data = written(stream)
    expected: list[SseFrame] = []
    lines: list[str] = []
    event = ""
    for line in data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        name, _, value = line.partition(":")
        if not line:
            if lines:
                expected.append(SseFrame(event or "message", "\n".join(lines).encode()))
            lines, event = [], ""
        elif name == "data":
            lines.append(value.removeprefix(" "))
        elif name == "event":
            event = value.removeprefix(" ")
    assert events(*fed(data, cuts)) == expected


@pytest.mark.parametrize(
    ("frame", "event", "data"),
    [
        (b"data: x\n\n", "message", b"x"),
        (b"data:x\r\n\r\n", "message", b"x"),
        (b"data:  x\r\r", "message", b" x"),
        (b"\xef\xbb\xbfdata: x\n\n", "message", b"x"),
        (b"data: a\ndata: b\n\n", "message", b"a\nb"),
        (b"data: a\ndata\n\n", "message", b"a\n"),
        (b"event: ping\ndata: {}\n\n", "ping", b"{}"),
        (b": c\nid: 1\nretry: 2\nx: y\ndata: z\n\n", "message", b"z"),
        ("data: a\u2028b\n\n".encode(), "message", "a\u2028b".encode()),
        (b"data: a\x0bb\x0cc\x1cd\n\n", "message", b"a\x0bb\x0cc\x1cd"),
        (b"data\n\n", "message", b""),
    ],
)
def test_frame_is_read(frame: bytes, event: str, data: bytes) -> None:
    """Fields, line ends and what is no line end."""
    assert parse_sse(frame) == SseFrame(event, data)


@pytest.mark.parametrize("frame", [b": ping\n\n", b"\n\n", b"event: x\n\n", b"id: 1\n\n", b"xdata: 1\n\n", b""])
def test_frame_without_data_is_no_event(frame: bytes) -> None:
    """Comments and fields alone mean nothing."""
    assert parse_sse(frame) is None


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), st.sampled_from(["", "x"]))
def test_what_is_written_is_read(data: str, event: str) -> None:
    """Writing a frame and reading it gives the same."""
    raw = write_sse(data.encode(), event)
    assert SseFramer().feed(raw) == [raw]
    assert parse_sse(raw) == SseFrame(event or "message", data.encode())


@pytest.mark.parametrize("piece", [b"x", b"data: x\n", b"x\r\n", b"x\r"], ids=["line", "lf", "crlf", "cr"])
def test_long_frame_in_small_pieces_is_looked_at_once(piece: bytes) -> None:
    """A frame in single bytes is only put aside: no byte of it is copied or searched again, however long it grows."""

    class Counting(SseFramer):
        """Counts the bytes that are searched for frames."""

        searched = 0

        def _split(self, data: bytes) -> list[bytes]:
            self.searched += len(data)
            return super()._split(data)

    framer = Counting()
    for _ in range(2**17 // len(piece)):
        assert framer.feed(piece) == []
    (frame,) = framer.feed(b"x\n\n")
    assert len(frame) > 2**17 - 10
    assert framer.searched == len(frame)


@pytest.mark.parametrize("piece", [b"x" * 65536, b"x\n" * 32768, b"x\r\n" * 20000], ids=["one-line", "lf", "crlf"])
def test_endless_frame_is_an_error(piece: bytes) -> None:
    """A frame that passes the limit ends the stream, whether it is one line or many."""
    framer = SseFramer()
    for _ in range(LONGEST_FRAME // len(piece)):
        framer.feed(piece)
    with pytest.raises(UpstreamBadResponse):
        framer.feed(piece * 2)
