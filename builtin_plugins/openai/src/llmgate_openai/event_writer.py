"""Canonical events → the stream a client gets: chunks, a usage chunk if it was asked for, ``[DONE]``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.frames import write_sse
from llmgate_core.messages import RedactedThinking, Thinking, ToolCall

from .choice_writer import ChoiceWriter, Delta
from .chunks import DONE_FRAME
from .errors import write_error
from .fields import merge, plain
from .usage import write_usage
from .words import CHUNK, is_native, native_finish
from .write_response import answer_id

PING: Final = b": ping\n\n"
_encode: Final = msgspec.json.Encoder(enc_hook=plain).encode
_encode_text: Final = msgspec.json.Encoder().encode


class ChatEventWriter:
    """One stream. Id and time of creation are the same in all its chunks.

    A choice's first chunk carries the role; its content is null when the choice begins with a tool call, as the API does it.
    """

    def __init__(self, model: str, *, include_usage: bool, legacy: bool) -> None:
        self._model = model
        self._include_usage = include_usage
        self._legacy = legacy
        self._own = False
        self._choices: dict[int, ChoiceWriter] = {}
        self._head: dict[str, Any] = {}
        self._open = b""
        self._close = b"]}\n\n"

    def write(self, event: Event) -> bytes:
        """The bytes for one event."""
        if isinstance(event, BlockDelta):
            return self._delta(event)
        if isinstance(event, BlockStart):
            role = self._role(event)
            return role + self._chunks(event.choice, self._choices[event.choice].begin(event))
        if isinstance(event, BlockStop):
            choice = self._choices.get(event.choice)
            return self._chunks(event.choice, choice.stop(event.index)) if choice else b""
        if isinstance(event, Start):
            return self._start(event)
        if isinstance(event, End):
            return self._end(event)
        if isinstance(event, Ping):
            return PING
        return self._failure(event)

    def _failure(self, failure: Failure) -> bytes:
        return write_sse(write_error(failure.error))

    def _start(self, start: Start) -> bytes:
        self._own = is_native(start.extra)
        self._head = {
            "id": answer_id(start.id),
            "object": CHUNK,
            "created": int(time.time()) if start.created is None else start.created,
            "model": start.model or self._model,
        }
        if self._own:
            merge(self._head, start.extra)
        self._open = b"data: " + _encode(self._head)[:-1] + b',"choices":['
        if self._include_usage:
            self._close = b'],"usage":null}\n\n'
        return b""

    def _role(self, event: BlockStart) -> bytes:
        if event.choice in self._choices:
            return b""
        begins_silently = isinstance(event.block, (ToolCall, Thinking, RedactedThinking))
        return self._begin_choice(event.choice, None if begins_silently else "")

    def _begin_choice(self, number: int, content: str | None) -> bytes:
        self._choices[number] = ChoiceWriter(own=self._own, legacy=self._legacy)
        return self._chunk(number, {"role": "assistant", "content": content})

    def _delta(self, event: BlockDelta) -> bytes:
        choice = self._choices.get(event.choice)
        if choice is None:
            return b""
        deltas = choice.go_on(event)
        if event.kind == "text" and not event.extra and deltas:
            # nearly all of a stream is this
            return b'%b{"index":%d,"delta":{"content":%b},"logprobs":null,"finish_reason":null}%b' % (
                self._open,
                event.choice,
                _encode_text(event.text),
                self._close,
            )
        return self._chunks(event.choice, deltas, EMPTY if event.kind in ("audio", "citation") else event.extra)

    def _chunks(self, number: int, deltas: list[Delta], extra: Mapping[str, Any] = EMPTY) -> bytes:
        return b"".join(self._chunk(number, delta, extra) for delta in deltas)

    def _chunk(
        self, number: int, delta: Delta, extra: Mapping[str, Any] = EMPTY, *, finish: str | None = None
    ) -> bytes:
        written = {"index": number, "delta": delta, "logprobs": extra.get("logprobs"), "finish_reason": finish}
        if self._own and extra:
            merge(written, extra)
        return self._open + _encode(written) + self._close

    def _end(self, end: End) -> bytes:
        parts = []
        for finish in end.finishes:
            if finish.choice not in self._choices:
                parts.append(self._begin_choice(finish.choice, ""))
            choice = self._choices[finish.choice]
            parts.append(self._chunks(finish.choice, choice.last()))
            if self._own and end.extra and finish is end.finishes[-1]:
                self._head.update(end.extra)
                self._open = b"data: " + _encode(self._head)[:-1] + b',"choices":['
            parts.append(self._finish(finish, called=choice.calls > 0))
        if self._include_usage and end.usage is not None:
            usage = write_usage(end.usage, own=self._own)
            parts.append(write_sse(_encode({**self._head, "choices": [], "usage": usage})))
        return b"".join([*parts, DONE_FRAME])

    def _finish(self, finish: Finish, *, called: bool) -> bytes:
        native = native_finish(finish.reason, finish.native if self._own else None, called=called)
        if self._legacy and native == "tool_calls":
            native = "function_call"
        extra: dict[str, Any] = {}
        if self._own:
            extra.update(finish.extra)
        elif finish.native is not None:
            extra["native_finish_reason"] = finish.native
        if finish.stop_sequence is not None:
            extra["stop_sequence"] = finish.stop_sequence
        written = {
            "index": finish.choice,
            "delta": {},
            "logprobs": extra.pop("logprobs", None),
            "finish_reason": native,
        }
        return self._open + _encode(merge(written, extra)) + self._close
