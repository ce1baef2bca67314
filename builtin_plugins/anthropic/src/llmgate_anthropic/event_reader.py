"""A provider's stream → canonical events. Source: the API's streaming reference; every frame is one JSON object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from llmgate_core.errors import InvalidRequest
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.messages import Opaque, RedactedThinking, Text, Thinking, ToolCall
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse

from .blocks import read_block
from .checks import NAME, a_count, a_string, an_object, optional, required, rest
from .errors import stream_error
from .finishes import read_reason
from .native_frames import decode_frame, text_delta
from .open_blocks import OpenBlock, complete, grow, must_be
from .usage import merge_usage, read_usage
from .write_request import Memo

_MESSAGE: Final = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage")
_BEFORE_START: Final = frozenset({"message_start", "error", "ping"})
# A delta: the block it fits, and the field that holds its words (as the canonical delta is called).
_DELTAS: Final[Mapping[str, tuple[str, Literal["text", "thinking", "signature"]]]] = MappingProxyType(
    {
        "text_delta": ("text", "text"),
        "thinking_delta": ("thinking", "thinking"),
        "signature_delta": ("thinking", "signature"),
    }
)


class MessagesReader:
    """One per stream. A block of a server tool is told when it is complete: its input is no call of the client's."""

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self._usage: dict[str, Any] = {}
        self._delta: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}
        self._open: dict[int, OpenBlock] = {}
        self._begun = 0
        self._called = False
        self._started = False
        self._ended = False

    def read(self, frame: bytes) -> Iterable[Event]:
        """See :class:`EventReader`. What follows the end is ignored, and so are events of kinds not known (yet)."""
        if self._open and not self._ended and (quick := text_delta(frame)) is not None:
            opened = self._open.get(quick.index)
            if opened is not None and opened.kind == "text" and opened.opaque is None:
                return (BlockDelta(opened.index, "text", quick.delta.text),)
        data = None if self._ended else decode_frame(frame)
        handler = None if data is None else _HANDLERS.get(data["type"])
        if data is None or handler is None:
            return ()
        if not self._started and data["type"] not in _BEFORE_START:
            raise UpstreamBadResponse(f"the provider's stream began with {data['type']} instead of message_start")
        try:
            return list(handler(self, data))
        except (InvalidRequest, RecursionError) as error:
            raise UpstreamBadResponse(f"the provider sent a {data['type']} event of another shape: {error}") from None

    def close(self) -> Iterable[Event]:
        """The end marker is ``message_stop``: without it the answer is not whole."""
        if self._ended:
            return ()
        self._ended = True
        return (Failure(StreamInterrupted("the provider's stream ended before message_stop")),)

    def _message_start(self, data: Mapping[str, Any]) -> Iterator[Event]:
        if self._started:
            return
        self._started = True
        message = required(data, "message", an_object)
        merge_usage(self._usage, message.get("usage"))
        self._usage.pop("output_tokens", None)  # a placeholder: message_delta has the count
        answer_id, model = required(message, "id", a_string), required(message, "model", a_string)
        yield Start(answer_id, model, usage=read_usage(self._usage), extra=rest(message, *_MESSAGE))

    def _block_start(self, data: Mapping[str, Any]) -> Iterator[Event]:
        native = required(data, "content_block", an_object)
        block = read_block(native, "content_block")
        at = required(data, "index", a_count)
        if at in self._open:
            raise UpstreamBadResponse(f"the provider began block {at} twice")
        opened = self._open[at] = OpenBlock(self._begun, native["type"])
        if not isinstance(block, (Text, Thinking, ToolCall, RedactedThinking)):
            opened.opaque = dict(native)
            return
        self._begun += 1
        index = opened.index
        if isinstance(block, RedactedThinking):
            yield BlockStart(index, block)
        elif isinstance(block, Text):
            yield BlockStart(index, Text("", extra=block.extra))
            if block.text:
                yield BlockDelta(index, "text", block.text)
        elif isinstance(block, Thinking):
            yield BlockStart(index, Thinking("", None, NAME, block.extra))
            if block.text:
                yield BlockDelta(index, "thinking", block.text)
            if block.signature:
                yield BlockDelta(index, "signature", block.signature)
        else:
            yield self._call_start(opened, block)

    def _call_start(self, opened: OpenBlock, call: ToolCall) -> Event:
        opened.input = call.arguments
        if not (call.id and call.name):
            raise UpstreamBadResponse("the provider sent a tool call without an id or a name")
        if call.name == self._memo.answer_tool:
            opened.kind = "answer"
            return BlockStart(opened.index, Text(""))
        self._called = True
        name = self._memo.names.to_client(call.name)
        return BlockStart(opened.index, ToolCall(call.id, name, "", extra=call.extra))

    def _opened(self, data: Mapping[str, Any]) -> OpenBlock:
        at = required(data, "index", a_count)
        if at not in self._open:
            raise UpstreamBadResponse(f"the provider sent a {data['type']} for block {at}, which is not open")
        return self._open[at]

    def _block_delta(self, data: Mapping[str, Any]) -> Iterator[Event]:
        opened = self._opened(data)
        delta = required(data, "delta", an_object)
        kind = required(delta, "type", a_string, "delta")
        if opened.opaque is not None:
            grow(opened, delta)
        elif kind == "input_json_delta":
            piece = required(delta, "partial_json", a_string, "delta")
            if piece:
                opened.wrote = True
                yield self._argument(opened, piece)
        elif kind == "citations_delta":
            must_be(opened, "text")
            yield BlockDelta(opened.index, "citation", "", extra={"citation": required(delta, "citation", an_object)})
        elif kind in _DELTAS:
            block_kind, name = _DELTAS[kind]
            must_be(opened, block_kind)
            yield BlockDelta(opened.index, name, required(delta, name, a_string, "delta"))

    def _argument(self, opened: OpenBlock, text: str) -> Event:
        must_be(opened, "tool_use", "answer")
        return BlockDelta(opened.index, "text" if opened.kind == "answer" else "arguments", text)

    def _block_stop(self, data: Mapping[str, Any]) -> Iterator[Event]:
        opened = self._opened(data)
        del self._open[data["index"]]
        yield from self._stop(opened)

    def _stop(self, opened: OpenBlock) -> Iterator[Event]:
        if opened.opaque is not None:
            opened.index = self._begun
            self._begun += 1
            yield BlockStart(opened.index, Opaque(NAME, opened.kind, complete(opened)))
        elif opened.kind in ("tool_use", "answer") and not opened.wrote:
            yield self._argument(opened, opened.input)
        yield BlockStop(opened.index)

    def _message_delta(self, data: Mapping[str, Any]) -> Iterator[Event]:
        merge_usage(self._usage, data.get("usage"))
        delta = optional(data, "delta", an_object) or {}
        self._delta.update({name: value for name, value in delta.items() if value is not None})
        self._extra.update(rest(data, "type", "delta", "usage"))
        yield from ()

    def _message_stop(self, _data: Mapping[str, Any]) -> Iterator[Event]:
        for opened in self._open.values():
            yield from self._stop(opened)
        self._ended = True
        native = self._delta.get("stop_reason")
        reason = read_reason(native)
        if reason == "tool_calls" and not self._called:
            reason = "stop"  # the only call was the one made for a structured answer
        finish = Finish(
            reason,
            native=native if isinstance(native, str) else None,
            stop_sequence=optional(self._delta, "stop_sequence", a_string),
            extra=rest({"stop_details": self._delta.get("stop_details")}),
        )
        self._extra.update(rest(self._delta, "stop_reason", "stop_sequence", "stop_details"))
        yield End((finish,), read_usage(self._usage), self._extra)

    def _ping(self, _data: Mapping[str, Any]) -> Iterator[Event]:
        yield Ping()

    def _error(self, data: Mapping[str, Any]) -> Iterator[Event]:
        self._ended = True
        yield Failure(stream_error(data))


_HANDLERS: Final[Mapping[str, Callable[[MessagesReader, Mapping[str, Any]], Iterator[Event]]]] = MappingProxyType(
    {
        "message_start": MessagesReader._message_start,
        "content_block_start": MessagesReader._block_start,
        "content_block_delta": MessagesReader._block_delta,
        "content_block_stop": MessagesReader._block_stop,
        "message_delta": MessagesReader._message_delta,
        "message_stop": MessagesReader._message_stop,
        "ping": MessagesReader._ping,
        "error": MessagesReader._error,
    }
)
