"""One streamed choice on its way to the client: block events in, ``delta`` objects out."""

from __future__ import annotations

from typing import Any

from llmgate_core.dialect import Losses
from llmgate_core.events import BlockDelta, BlockStart
from llmgate_core.messages import Audio, Block, Image, RedactedThinking, Refusal, Text, Thinking, ToolCall

from .carry import Carry
from .citations import link_up
from .parts import write_part
from .read_messages import write_audio
from .thinking import write_block
from .words import NAME

Delta = dict[str, Any]


class _Open:
    """A block that is being written: what must be known when it ends."""

    __slots__ = ("block", "citations", "dialect", "filled", "signature", "start", "text", "tool")

    def __init__(self, block: Block, start: int) -> None:
        self.block = block
        self.start = start
        self.tool = 0
        self.filled = False
        self.citations: list[Any] = []
        self.text: list[str] = []
        self.signature = ""
        self.dialect: str | None = None


class ChoiceWriter:
    """``legacy``: the client knows only ``function_call``, of which there is one.

    Blocks that this format has no place for (a provider's own server tools) give nothing, nor do their deltas.
    """

    def __init__(self, *, own: bool, legacy: bool) -> None:
        self._own = own
        self._legacy = legacy
        self._open: dict[int, _Open] = {}
        self._thoughts = 0
        self.calls = 0
        self.length = 0
        self._links: list[Any] = []
        self._others: list[Any] = []

    # ── begin ────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, event: BlockStart) -> list[Delta]:
        """A block begins."""
        block = event.block
        held = self._open[event.index] = _Open(block, self.length)
        if isinstance(block, ToolCall):
            return self._begin_call(block, held)
        if isinstance(block, Text):
            held.citations = list(block.extra.get("citations") or ()) if not self._own else []
            return self._say("text", block.text, held)
        if isinstance(block, Refusal):
            return self._say("refusal", block.text, held)
        if isinstance(block, Thinking):
            held.signature, held.dialect = block.signature or "", block.dialect
            return self._say("thinking", block.text, held)
        if isinstance(block, RedactedThinking):
            return [self._thought(block)]
        if isinstance(block, Audio):
            sound = {name: value for name, value in write_audio(block).items() if value != "" or name != "data"}
            return [{"audio": sound}] if sound else []
        if isinstance(block, Image):
            part = write_part(block, "", Carry(NAME if self._own else "", Losses()))
            return [{"images": [part]}] if part else []
        return []

    def _begin_call(self, call: ToolCall, held: _Open) -> list[Delta]:
        held.tool = self.calls
        self.calls += 1
        text = "input" if call.kind == "custom" else "arguments"
        if self._legacy:
            first: list[Delta] = [{"function_call": {"name": call.name, text: ""}}] if held.tool == 0 else []
        else:
            entry = {"index": held.tool, "id": call.id, "type": call.kind, call.kind: {"name": call.name, text: ""}}
            first = [{"tool_calls": [entry]}]
        return first + (self._arguments(call.arguments, held) if call.arguments else [])

    # ── go on ────────────────────────────────────────────────────────────────────────────────────────────────────

    def go_on(self, event: BlockDelta) -> list[Delta]:
        """A block goes on."""
        held = self._open.get(event.index)
        if held is None:
            return []
        if event.kind == "arguments":
            return self._arguments(event.text, held) if isinstance(held.block, ToolCall) and event.text else []
        if event.kind == "signature":
            held.signature += event.text
            held.dialect = event.extra.get("dialect") or held.dialect
            return []
        if event.kind == "citation":
            held.citations.append(event.extra.get("citation", dict(event.extra)))
            return []
        if event.kind == "audio":
            return [{"audio": {**({"data": event.text} if event.text else {}), **event.extra}}]
        return self._say(event.kind, event.text, held)

    def _say(self, kind: str, text: str, held: _Open) -> list[Delta]:
        if not text:
            return []
        if kind == "thinking":
            held.text.append(text)
            return [{"reasoning_content": text}]
        if kind == "refusal":
            return [{"refusal": text}]
        self.length += len(text)
        return [{"content": text}]

    def _arguments(self, text: str, held: _Open) -> list[Delta]:
        call = held.block
        held.filled = True
        if self._legacy:
            return [{"function_call": {"arguments": text}}] if held.tool == 0 else []
        kind = call.kind if isinstance(call, ToolCall) else "function"
        return [{"tool_calls": [{"index": held.tool, kind: {"input" if kind == "custom" else "arguments": text}}]}]

    # ── end ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self, index: int) -> list[Delta]:
        """A block ends. Arguments must parse, so a call without any gets an empty object."""
        held = self._open.pop(index, None)
        if held is None:
            return []
        block = held.block
        if isinstance(block, ToolCall) and block.kind == "function" and not held.filled:
            return self._arguments("{}", held)
        if isinstance(block, Thinking) and held.signature:
            return [self._thought(Thinking("".join(held.text), held.signature, held.dialect, block.extra))]
        if held.citations:
            links, others = link_up(held.citations, held.start, self.length)
            self._links += links
            self._others += others
        return []

    def _thought(self, block: Thinking | RedactedThinking) -> Delta:
        """An entry of ``thinking_blocks``, numbered as the official SDK wants the entries of a list that grows."""
        self._thoughts += 1
        return {"thinking_blocks": [{"index": self._thoughts - 1, **write_block(block)}]}

    def last(self) -> list[Delta]:
        """What is told at the end: the sources, all at once."""
        last: Delta = {}
        if self._links:
            last["annotations"] = self._links
        if self._others:
            last["citations"] = self._others
        return [last] if last else []
