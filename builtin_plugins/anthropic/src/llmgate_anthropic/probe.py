"""Watches a stream that is relayed untouched. The line ``event: …`` says what a frame is; of most frames the JSON is only
checked, and nothing is built of it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmgate_core.errors import GatewayError
from llmgate_core.frames import FrameKind
from llmgate_core.upstream_errors import UpstreamBadResponse
from llmgate_core.wirevalues import Summary

from .errors import stream_error
from .finishes import read_reason
from .native_frames import decode_frame
from .usage import merge_usage, read_usage

_DELTA: Final = b"event: content_block_delta\ndata: "
_STOP: Final = b"event: content_block_stop\ndata: "
_DELTA_SIZE: Final = len(_DELTA)
_STOP_SIZE: Final = len(_STOP)
_CONTENT: Final = FrameKind.CONTENT  # looked up on the class it costs a tenth of a microsecond
_WORDLESS: Final = frozenset({"text", "thinking"})


class _Anything(msgspec.Struct, gc=False):
    """A JSON object: validated, and skipped."""


_check: Final = msgspec.json.Decoder(_Anything).decode


class MessagesProbe:
    """One per stream."""

    __slots__ = ("_usage", "complete", "error", "summary")

    def __init__(self) -> None:
        self.summary = Summary()
        self.error: GatewayError | None = None
        self.complete = False
        self._usage: dict[str, Any] = {}

    def see(self, frame: bytes) -> FrameKind:
        """See :class:`StreamProbe`."""
        try:
            if frame.startswith(_DELTA):
                _check(frame[_DELTA_SIZE:])
                return _CONTENT
            if frame.startswith(_STOP):
                _check(frame[_STOP_SIZE:])
                return FrameKind.LIFECYCLE
        except (msgspec.DecodeError, RecursionError):
            pass  # spread over several lines, or broken
        return self._read(frame)

    def _read(self, frame: bytes) -> FrameKind:
        data = decode_frame(frame)
        if data is None:
            return FrameKind.IDLE
        return self._kind(data)

    def _kind(self, data: dict[str, Any]) -> FrameKind:
        kind = data["type"]
        if kind == "message_start":
            self._note_start(data)
        elif kind == "content_block_start":
            block = data.get("content_block")
            if not isinstance(block, dict):
                raise UpstreamBadResponse("the provider sent a content_block_start without a block")
            kind = block.get("type")
            if not (isinstance(kind, str) and kind in _WORDLESS) or block.get("text") or block.get("thinking"):
                return FrameKind.CONTENT
        elif kind == "content_block_delta":
            return FrameKind.CONTENT
        elif kind == "message_delta":
            self._note_delta(data)
        elif kind == "message_stop":
            self.complete = True
            return FrameKind.LAST
        elif kind == "ping":
            return FrameKind.IDLE
        elif kind == "error":
            self.error = stream_error(data)
            return FrameKind.ERROR
        return FrameKind.LIFECYCLE

    def _note_start(self, data: dict[str, Any]) -> None:
        message = data.get("message")
        if not isinstance(message, dict):
            raise UpstreamBadResponse("the provider sent a message_start without a message")
        merge_usage(self._usage, message.get("usage"))
        self._usage.pop("output_tokens", None)  # a placeholder: message_delta has the count
        self.summary.usage = read_usage(self._usage)
        model = message.get("model")
        self.summary.model = model if isinstance(model, str) else None

    def _note_delta(self, data: dict[str, Any]) -> None:
        merge_usage(self._usage, data.get("usage"))
        self.summary.usage = read_usage(self._usage)
        delta = data.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if reason is not None:
            self.summary.finish_reason = read_reason(reason)
