"""Canonical events → the stream a client of this dialect gets: whole blocks, one after the other.

Blocks that interleave are held back until the one before them is complete. A block of text begins with its first word, so
that none is empty; a signature comes once, at the end of its block; ``message_delta`` comes once, with the final usage.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from attrs import define, field

from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Finish, Ping, Start
from llmgate_core.frames import write_sse
from llmgate_core.messages import Block, Opaque, RedactedThinking, Refusal, Text, Thinking, ToolCall

from .checks import NAME
from .finishes import write_reason
from .signatures import outward
from .usage import write_usage
from .write_blocks import tool_input
from .write_response import answer_block, safe_id

_TEXT: Final = (
    b"event: content_block_delta\ndata: "
    b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)
_encode: Final = msgspec.json.Encoder().encode


@define
class _Pending:
    """A canonical block: what it is, deltas that wait for their turn, and whether it is complete."""

    block: Block
    deltas: list[BlockDelta] = field(factory=list)
    stopped: bool = False
    signature: str = ""
    custom: str = ""


def _frame(kind: str, data: dict[str, Any]) -> bytes:
    return write_sse(_encode({"type": kind, **data}), kind)


class MessagesWriter:
    """One per stream. Only the first choice is written: the format has one."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Pending] = {}
        self._index = 0
        self._kind = ""
        self._started = False
        self._ended = False
        self._called = False
        self._refused = False

    def write(self, event: Event) -> bytes:
        """See :class:`EventWriter`. A Failure is not written here: the core ends the stream with the dialect's error."""
        if type(event) is BlockDelta and event.kind == self._kind == "text" and self._is_alone(event):
            # nearly all of a stream is this: a piece of the one block that is open
            return _TEXT % (self._index, _encode(event.text))
        if self._ended:
            return b""
        if isinstance(event, Start):
            return self._start(event)
        if isinstance(event, Ping):
            return _frame("ping", {})
        if isinstance(event, End):
            return self._end(event)
        if isinstance(event, (BlockStart, BlockDelta, BlockStop)) and event.choice == 0:
            return self._block_event(event)
        return b""

    def _is_alone(self, event: BlockDelta) -> bool:
        """Whether a delta says something, and no other block waits for its own to end."""
        return event.choice == 0 and event.text != "" and len(self._blocks) == 1 and event.index in self._blocks

    def _start(self, event: Start) -> bytes:
        if self._started:
            return b""
        self._started = True
        message: dict[str, Any] = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(event.usage),
        }
        return _frame("message_start", {"message": message})

    def _block_event(self, event: BlockStart | BlockDelta | BlockStop) -> bytes:
        if isinstance(event, BlockStart):
            self._blocks[event.index] = _Pending(event.block)
            return self._begin(self._blocks[event.index]) if len(self._blocks) == 1 else b""
        pending = self._blocks.get(event.index)
        if pending is None:
            return b""
        first = pending is next(iter(self._blocks.values()))
        if isinstance(event, BlockStop):
            pending.stopped = True
            return self._advance() if first else b""
        if first:
            return self._delta(pending, event)
        pending.deltas.append(event)
        return b""

    def _advance(self) -> bytes:
        """Finish the first block, and write what the ones behind it have had to hold back."""
        written: list[bytes] = []
        while self._blocks:
            index, pending = next(iter(self._blocks.items()))
            if not pending.stopped:
                break
            written.append(self._finish(pending))
            del self._blocks[index]
            following = next(iter(self._blocks.values()), None)
            if following is not None:
                written.append(self._begin(following))
                written += [self._delta(following, delta) for delta in following.deltas]
                following.deltas.clear()
        return b"".join(written)

    def _begin(self, pending: _Pending) -> bytes:
        """What can be said of a block when it begins: text and thinking wait for their first word."""
        block = pending.block
        if isinstance(block, ToolCall):
            self._called = True
            native = {"type": "tool_use", "id": safe_id(block.id), "name": block.name, "input": {}}
            opened = self._open(native)
            return opened + (self._arguments(pending, block.arguments) if block.arguments else b"")
        if isinstance(block, (Text, Refusal)):
            self._refused = self._refused or isinstance(block, Refusal)
            return self._write("text", block.text, block) if block.text else b""
        if isinstance(block, Thinking):
            pending.signature = block.signature or ""
            return self._write("thinking", block.text, block) if block.text else b""
        if isinstance(block, (RedactedThinking, Opaque)):
            native_block = answer_block(block, own=getattr(block, "dialect", NAME) == NAME)
            return b"" if native_block is None else self._open(native_block)
        return b""

    def _delta(self, pending: _Pending, delta: BlockDelta) -> bytes:
        if delta.kind == "signature":
            pending.signature += delta.text
            return b""
        if delta.kind == "arguments":
            return self._arguments(pending, delta.text) if isinstance(pending.block, ToolCall) and delta.text else b""
        if delta.kind == "citation":
            return self._citation(delta)
        if delta.kind == "audio" or not delta.text:
            return b""
        self._refused = self._refused or delta.kind == "refusal"
        return self._write("thinking" if delta.kind == "thinking" else "text", delta.text, pending.block)

    def _write(self, kind: str, text: str, block: Block) -> bytes:
        """Words of one kind; a block of another kind that is open ends first."""
        opened = b""
        if self._kind != kind:
            empty: dict[str, Any] = {"type": kind, kind: ""}
            if kind == "thinking":
                empty["signature"] = ""
            elif isinstance(block, Text) and isinstance(block.extra.get("citations"), list):
                empty["citations"] = block.extra["citations"]
            opened = self._close() + self._open(empty)
        return opened + self._piece({"type": f"{kind}_delta", kind: text})

    def _arguments(self, pending: _Pending, text: str) -> bytes:
        if isinstance(pending.block, ToolCall) and pending.block.kind == "custom":
            pending.custom += text  # free text becomes JSON, which needs all of it
            return b""
        return self._piece({"type": "input_json_delta", "partial_json": text})

    def _citation(self, delta: BlockDelta) -> bytes:
        citation = delta.extra.get("citation")
        if self._kind != "text" or not isinstance(citation, dict) or "cited_text" not in citation:
            return b""  # another dialect's citation has another shape
        return self._piece({"type": "citations_delta", "citation": citation})

    def _finish(self, pending: _Pending) -> bytes:
        written = b""
        block = pending.block
        if isinstance(block, Thinking) and pending.signature:
            if self._kind != "thinking":  # its text was withheld; the signature must still come back to the provider
                written = self._close() + self._open({"type": "thinking", "thinking": "", "signature": ""})
            signature = outward(Thinking("", pending.signature, block.dialect))
            written += self._piece({"type": "signature_delta", "signature": signature})
        elif isinstance(block, ToolCall) and pending.custom:
            text = msgspec.json.encode(tool_input(ToolCall(block.id, block.name, pending.custom, "custom"))).decode()
            written = self._piece({"type": "input_json_delta", "partial_json": text})
        return written + self._close()

    def _open(self, native: dict[str, Any]) -> bytes:
        self._kind = native["type"]
        return _frame("content_block_start", {"index": self._index, "content_block": native})

    def _piece(self, delta: dict[str, Any]) -> bytes:
        return _frame("content_block_delta", {"index": self._index, "delta": delta})

    def _close(self) -> bytes:
        if not self._kind:
            return b""
        self._kind = ""
        self._index += 1
        return _frame("content_block_stop", {"index": self._index - 1})

    def _end(self, event: End) -> bytes:
        for pending in self._blocks.values():
            pending.stopped = True
        rest = self._advance()
        self._ended = True
        finish = event.finishes[0] if event.finishes else Finish("stop")
        reason = write_reason(
            finish.reason, finish.native, finish.stop_sequence, called=self._called, refused=self._refused
        )
        delta = {"stop_reason": reason, "stop_sequence": finish.stop_sequence}
        own_details = finish.extra.get("stop_details")
        if own_details is not None:
            delta["stop_details"] = own_details
        return (
            rest
            + _frame("message_delta", {"delta": delta, "usage": write_usage(event.usage)})
            + _frame("message_stop", {})
        )
