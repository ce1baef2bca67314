"""Watches a stream that is relayed untouched.

Each frame is decoded into a small struct: that proves the whole frame to be JSON, and costs less than a microsecond. Once
content has been seen, it is no longer looked for.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.errors import GatewayError
from llmgate_core.frames import FrameKind, parse_sse
from llmgate_core.wirevalues import Summary

from .chunks import DONE, check_text, decode_chunk
from .errors import rejection_within
from .usage import later, read_usage
from .words import canonical_finish


class _Delta(msgspec.Struct, gc=False):
    content: Any = None
    tool_calls: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    function_call: Any = None
    audio: Any = None
    images: Any = None
    thinking_blocks: Any = None


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: Any = None
    error: Any = None


class _LaterDelta(msgspec.Struct, gc=False):
    tool_calls: msgspec.Raw | None = None
    function_call: msgspec.Raw | None = None


class _LaterChoice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _LaterDelta | None = None
    finish_reason: None = None


class _Later(msgspec.Struct, gc=False):
    """The usual chunk behind the first content: one choice, nothing finished, nothing counted."""

    choices: tuple[_LaterChoice]
    usage: None = None
    error: None = None


_decode_later: Final = msgspec.json.Decoder(_Later).decode
_decode: Final = msgspec.json.Decoder(_Chunk).decode
_CONTENT: Final = FrameKind.CONTENT  # looked up on the class it costs a tenth of a microsecond
_DONE_FRAME: Final = b"data: [DONE]\n\n"


class ChatProbe:
    """One stream. ``drop_usage``: the client did not ask for the usage chunk that the gateway asked for."""

    __slots__ = ("_called", "_drop_usage", "_finished", "_said", "_unfinished", "complete", "error", "summary")

    def __init__(self, *, drop_usage: bool) -> None:
        self._drop_usage = drop_usage
        self._called: set[int] = set()
        self._finished: set[int] = set()
        self._unfinished: set[int] = set()
        self._said = False
        self.summary = Summary()
        self.error: GatewayError | None = None
        self.complete = False

    def see(self, frame: bytes) -> FrameKind:
        """What one raw frame is. Raises :class:`UpstreamBadResponse` for one that is not JSON."""
        if self._said and (frame.isascii() or _is_text(frame)):
            # Most of a stream is this; whatever does not fit, and several lines of data do not, is looked at again.
            try:
                (choice,) = _decode_later(frame[6:-2]).choices
            except (msgspec.DecodeError, RecursionError):
                return self._look(frame)
            index, delta = choice.index, choice.delta
            if index in self._unfinished and frame.startswith(b"data: "):
                if delta is not None and (delta.tool_calls is not None or delta.function_call is not None):
                    self._called.add(index)
                return _CONTENT
        return self._look(frame)

    def _look(self, frame: bytes) -> FrameKind:
        if frame == _DONE_FRAME:
            self.complete = True
            return FrameKind.LAST
        parsed = parse_sse(frame)
        if parsed is None:
            return FrameKind.IDLE
        data = parsed.data
        if data.startswith(DONE):
            self.complete = True
            return FrameKind.LAST
        check_text(data)
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            return self._odd(data)
        return self._chunk(chunk)

    def _odd(self, data: bytes) -> FrameKind:
        """Not the usual shape: relayed as long as it is a JSON object."""
        error = decode_chunk(data).get("error")
        return FrameKind.CONTENT if error is None else self._failed(error)

    def _failed(self, error: Any) -> FrameKind:
        self.error = rejection_within(error)
        return FrameKind.ERROR

    def _chunk(self, chunk: _Chunk) -> FrameKind:
        if chunk.error is not None:
            return self._failed(chunk.error)
        summary = self.summary
        if summary.model is None and type(chunk.model) is str:
            summary.model = chunk.model
        if chunk.usage is not None:
            summary.usage = later(summary.usage, read_usage(chunk.usage))
        if not chunk.choices:
            return FrameKind.DROP if chunk.usage is not None and self._drop_usage else FrameKind.LIFECYCLE
        kind = FrameKind.LIFECYCLE
        for choice in chunk.choices:
            if choice.delta is not None and (choice.delta.tool_calls or choice.delta.function_call):
                self._called.add(choice.index)
            if choice.finish_reason:
                self._finish(choice.index, choice.finish_reason)
                kind = FrameKind.CONTENT
            elif choice.index not in self._finished and choice.index not in self._unfinished:
                self._unfinished.add(choice.index)
                self.complete = False
            if kind is FrameKind.LIFECYCLE and choice.delta is not None and _says(choice.delta):
                kind = FrameKind.CONTENT
        self._said = self._said or kind is FrameKind.CONTENT
        return kind

    def _finish(self, index: int, native: str) -> None:
        self._finished.add(index)
        self._unfinished.discard(index)
        self.complete = not self._unfinished
        if index == 0 or self.summary.finish_reason is None:
            self.summary.finish_reason = canonical_finish(native, called=index in self._called)


def _is_text(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True


def _says(delta: _Delta) -> bool:
    return bool(
        delta.content
        or delta.tool_calls
        or delta.reasoning_content
        or delta.reasoning
        or delta.refusal
        or delta.function_call
        or delta.audio
        or delta.images
        or delta.thinking_blocks
    )
