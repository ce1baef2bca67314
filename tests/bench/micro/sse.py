"""Server-sent events: splitting bytes into frames, parsing and writing one. Run this file (it is for pyperf)."""

from __future__ import annotations

import pyperf  # type: ignore[import-untyped]  # it ships no types

from llmgate_core.frames import SseFramer, parse_sse, write_sse

DATA = b'{"id":"chatcmpl-bench","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}'
FRAME = b"data: " + DATA + b"\n\n"
EVENT = b"event: content_block_delta\ndata: " + DATA + b"\n\n"


def split(pieces: list[bytes]) -> int:
    """How many frames a stream in these pieces has."""
    framer = SseFramer()
    return sum(len(framer.feed(piece)) for piece in pieces)


def cut(data: bytes, size: int) -> list[bytes]:
    """`data` in pieces of this size."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def main() -> None:
    """Fifty frames in each way that a network may deliver them; the time is one frame's."""
    runner = pyperf.Runner()
    runner.bench_func("split a frame of fifty: one in each piece", split, [FRAME] * 50, inner_loops=50)
    runner.bench_func("split a frame of fifty: all in one piece", split, [FRAME * 50], inner_loops=50)
    runner.bench_func("split a frame of fifty: pieces of 40 bytes", split, cut(FRAME * 50, 40), inner_loops=50)
    runner.bench_func(
        "split a frame of fifty: lines end in CRLF", split, [FRAME.replace(b"\n", b"\r\n")] * 50, inner_loops=50
    )
    runner.bench_func("parse a frame of data", parse_sse, FRAME)
    runner.bench_func("parse a frame with a type", parse_sse, EVENT)
    runner.bench_func("write a frame", write_sse, DATA)


if __name__ == "__main__":
    main()
