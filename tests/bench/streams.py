"""The mock upstream for streams: 51 frames, 2 ms apart, to hundreds of connections at once.

A process of its own (``python -m tests.bench.streams PORT``), one loop without asyncio: time goes round a wheel of eight slots,
a quarter of a millisecond each, and at its slot a stream is sent its next frame. A frame is always one write: when the loop is
late, every later frame is late too, and none are sent together to catch up.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from typing import Any, Final

from .processes import HOST

FRAMES: Final = 51
GAP: Final = 0.002
SLOTS: Final = 8
HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def frames() -> tuple[bytes, ...]:
    """The chunks of one stream: a role, words, a finish, the usage, ``[DONE]``; the head goes before the first."""
    base = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1735689600, "model": "gpt-4o-mini"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return json.dumps({**base, "choices": [choice], "usage": None})

    usage = {"prompt_tokens": 71, "completion_tokens": FRAMES - 4, "total_tokens": 67 + FRAMES}
    texts = [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": f" word{number}"}) for number in range(FRAMES - 4)),
        chunk({}, "stop"),
        json.dumps({**base, "choices": [], "usage": usage}),
        "[DONE]",
    ]
    encoded = [f"data: {text}\n\n".encode() for text in texts]
    chunks = [f"{len(data):x}\r\n".encode() + data + b"\r\n" for data in encoded]
    return (HEAD + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n")


class Stream:
    """One connection: reads a request, sends its frames, reads the next."""

    def __init__(self, sock: socket.socket, chunks: tuple[bytes, ...]) -> None:
        self.sock = sock
        self._chunks = chunks
        self._asked = bytearray()
        self._unsent = b""
        self._next = 0

    def read(self) -> bool:
        """Take what has come; whether a whole request is there. Raises ConnectionError at the end."""
        data = self.sock.recv(262_144)
        if not data:
            raise ConnectionResetError
        self._asked += data
        head, end, body = self._asked.partition(b"\r\n\r\n")
        if not end:
            return False
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if len(body) < (int(length[1]) if length else 0):
            return False
        self._asked.clear()
        self._next = 0
        return True

    def send_next(self) -> bool:
        """Send a frame, or what a full buffer left of the one before; whether the stream has more."""
        if not self._unsent:
            self._unsent = self._chunks[self._next]
            self._next += 1
        try:
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except BlockingIOError:
            return True
        return bool(self._unsent) or self._next < len(self._chunks)


class Server:
    """All connections and the wheel."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server((HOST, port), backlog=4096)
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._open: dict[int, Stream] = {}
        self._wheel: list[list[Stream]] = [[] for _ in range(SLOTS)]
        self._chunks = frames()

    def run(self) -> None:
        """Go round until killed."""
        at, due = 0, time.perf_counter()
        while True:
            self._read(wait=not any(self._wheel))
            self._wheel[at] = [stream for stream in self._wheel[at] if self._sent(stream)]
            at = (at + 1) % SLOTS
            due += GAP / SLOTS
            early = due - time.perf_counter()
            if early > 0:
                time.sleep(early)
            else:
                due -= early

    def _read(self, *, wait: bool) -> None:
        for number, _ in self._poll.poll(1 if wait else 0):
            if number == self._listener.fileno():
                self._accept()
                continue
            stream = self._open[number]
            try:
                asked = stream.read()
            except ConnectionError:
                self._forget(stream)
                continue
            if asked and self._sent(stream):
                min(self._wheel, key=len).append(stream)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open[sock.fileno()] = Stream(sock, self._chunks)
        self._poll.register(sock, select.EPOLLIN)

    def _sent(self, stream: Stream) -> bool:
        if stream.sock.fileno() < 0:
            return False
        try:
            return stream.send_next()
        except ConnectionError:
            self._forget(stream)
            return False

    def _forget(self, stream: Stream) -> None:
        del self._open[stream.sock.fileno()]
        stream.sock.close()


if __name__ == "__main__":
    Server(int(sys.argv[1])).run()
