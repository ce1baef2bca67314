"""A provider's stream → canonical events. Source: the API's streaming reference; every frame is one JSON object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from attrs import define

from llmgate_core.errors import InvalidRequest
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Ping, Start
from llmgate_core.frames import parse_sse
from llmgate_core.messages import Opaque, RedactedThinking, Text, Thinking, ToolCall
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse

from .blocks import read_block
from .checks import NAME, rest
from .errors import stream_error
from .finishes import read_reason
from .usage import merge_usage, read_usage
from .write_request import Memo

_MESSAGE: Final = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage")


@define
class _Open:
    """A block that has begun. ``input`` is the tool input it began with; ``opaque`` a block told as a whole at its end."""

    index: int
    kind: str
    input: str = ""
    wrote: bool = False
    opaque: dict[str, Any] | None = None
    json: str = ""


def decode_frame(frame: bytes) -> dict[str, Any] | None:
    """A raw frame → its JSON, with ``type`` filled in from the event's name; None for a comment or an end marker.

    Raises :class:`UpstreamBadResponse`.
    """
    sse = parse_sse(frame)
    if sse is None or sse.data.strip() in (b"", b"[DONE]"):
        return None
    try:
        data = msgspec.json.decode(sse.data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamBadResponse(f"the provider sent a stream event that is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise UpstreamBadResponse("the provider sent a stream event that is not a JSON object")
    if not isinstance(data.get("type"), str):
        data["type"] = "error" if "error" in data else sse.event
    return data


class MessagesReader:
    """One per stream. A block of a server tool is told when it is complete: its input is no call of the client's."""

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self._usage: dict[str, Any] = {}
        self._delta: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}
        self._open: dict[int, _Open] = {}
        self._begun = 0
        self._called = False
        self._ended = False

    def read(self, frame: bytes) -> Iterable[Event]:
        """See :class:`EventReader`. What follows the end is ignored, and so are events of kinds not known (yet)."""
        if self._ended:
            return ()
        data = decode_frame(frame)
        if data is None:
            return ()
        handler = _HANDLERS.get(data["type"])
        if handler is None:
            return ()
        try:
            return list(handler(self, data))
        except (InvalidRequest, KeyError, TypeError, AttributeError) as error:
            raise UpstreamBadResponse(
                f"the provider sent a {data['type']} event that cannot be read: {error}"
            ) from None

    def close(self) -> Iterable[Event]:
        """The end marker is ``message_stop``: without it the answer is not whole."""
        if self._ended:
            return ()
        self._ended = True
        return (Failure(StreamInterrupted("the provider's stream ended before message_stop")),)

    def _message_start(self, data: Mapping[str, Any]) -> Iterator[Event]:
        message = data["message"]
        merge_usage(self._usage, message.get("usage"))
        self._usage.pop("output_tokens", None)  # a placeholder: message_delta has the count
        yield Start(message["id"], message["model"], usage=read_usage(self._usage), extra=rest(message, *_MESSAGE))

    def _block_start(self, data: Mapping[str, Any]) -> Iterator[Event]:
        native: dict[str, Any] = data["content_block"]
        block = read_block(native, "content_block")
        opened = self._open[data["index"]] = _Open(self._begun, native["type"])
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

    def _call_start(self, opened: _Open, call: ToolCall) -> Event:
        opened.input = call.arguments
        if call.name == self._memo.answer_tool:
            opened.kind = "answer"
            return BlockStart(opened.index, Text(""))
        self._called = True
        name = self._memo.names.to_client(call.name)
        return BlockStart(opened.index, ToolCall(call.id, name, "", extra=call.extra))

    def _block_delta(self, data: Mapping[str, Any]) -> Iterator[Event]:
        opened = self._open.get(data["index"])
        delta: dict[str, Any] = data["delta"]
        if opened is None:
            raise UpstreamBadResponse("the provider sent a content_block_delta for a block that is not open")
        kind = delta.get("type")
        if opened.opaque is not None:
            _grow(opened, delta)
        elif kind == "text_delta":
            yield BlockDelta(opened.index, "text", delta["text"])
        elif kind == "thinking_delta":
            yield BlockDelta(opened.index, "thinking", delta["thinking"])
        elif kind == "signature_delta":
            yield BlockDelta(opened.index, "signature", delta["signature"])
        elif kind == "citations_delta":
            yield BlockDelta(opened.index, "citation", "", extra={"citation": delta["citation"]})
        elif kind == "input_json_delta" and delta["partial_json"]:
            opened.wrote = True
            yield self._argument(opened, delta["partial_json"])

    def _argument(self, opened: _Open, text: str) -> Event:
        return BlockDelta(opened.index, "text" if opened.kind == "answer" else "arguments", text)

    def _block_stop(self, data: Mapping[str, Any]) -> Iterator[Event]:
        opened = self._open.pop(data["index"], None)
        if opened is None:
            raise UpstreamBadResponse("the provider sent a content_block_stop for a block that is not open")
        if opened.opaque is not None:
            opened.index = self._begun
            self._begun += 1
            yield BlockStart(opened.index, Opaque(NAME, opened.kind, _complete(opened)))
        elif opened.kind in ("tool_use", "answer") and not opened.wrote:
            yield self._argument(opened, opened.input)
        yield BlockStop(opened.index)

    def _message_delta(self, data: Mapping[str, Any]) -> Iterator[Event]:
        merge_usage(self._usage, data.get("usage"))
        delta = data.get("delta") or {}
        self._delta.update({name: value for name, value in delta.items() if value is not None})
        self._extra.update(rest(data, "type", "delta", "usage"))
        yield from ()

    def _message_stop(self, _data: Mapping[str, Any]) -> Iterator[Event]:
        self._ended = True
        native = self._delta.get("stop_reason")
        reason = read_reason(native)
        if reason == "tool_calls" and not self._called:
            reason = "stop"  # the only call was the one made for a structured answer
        finish = Finish(
            reason,
            native=native if isinstance(native, str) else None,
            stop_sequence=self._delta.get("stop_sequence"),
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


def _grow(opened: _Open, delta: Mapping[str, Any]) -> None:
    """A delta of a block that only this dialect has: input as JSON, every other field by its name."""
    data = opened.opaque
    if data is None:
        return
    if delta.get("type") == "input_json_delta":
        opened.json += delta["partial_json"]
        return
    for name, value in delta.items():
        if name != "type":
            known = data.get(name)
            data[name] = known + value if isinstance(known, str) and isinstance(value, str) else value


def _complete(opened: _Open) -> dict[str, Any]:
    data = opened.opaque or {}
    if opened.json:
        try:
            data["input"] = msgspec.json.decode(opened.json)
        except msgspec.DecodeError as error:
            raise UpstreamBadResponse(f"the provider sent tool input that is not valid JSON: {error}") from None
    return data
