"""Tool calls of one choice, put together from fragments that servers split in every possible way.

The index is missing or always 0, the id comes once or each time, the name in pieces or again, arguments before the name: a
call is begun when its name is surely complete, that is with its first arguments, or when something else follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from llmgate_core.events import BlockDelta, BlockStart, BlockStop, Event
from llmgate_core.messages import ToolCall
from llmgate_core.upstream_errors import UpstreamBadResponse

from .tools import made_up_id


class _Call:
    __slots__ = ("arguments", "block", "id", "kind", "name")

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.name = ""
        self.kind: Literal["function", "custom"] = "function"
        self.arguments: list[str] = []
        self.block: int | None = None


class ToolDeltas:
    """``open_block`` gives the next block's number, after closing what cannot stay open; ``restore`` undoes renames."""

    def __init__(
        self, choice: int, seed: str, open_block: Callable[[list[Event]], int], restore: Callable[[str], str]
    ) -> None:
        self._choice = choice
        self._seed = seed
        self._open_block = open_block
        self._restore = restore
        self._calls: list[_Call] = []
        self._at: dict[Any, _Call] = {}
        self.waiting = False
        """Whether a call has not begun that should before anything else does."""

    @property
    def any(self) -> bool:
        """Whether there was a call."""
        return any(call.block is not None for call in self._calls)

    def feed(self, entry: Mapping[str, Any], events: list[Event]) -> None:
        """One entry of ``delta.tool_calls``."""
        kind: Literal["function", "custom"] = "custom" if "custom" in entry else "function"
        inner = entry.get(kind)
        inner = inner if isinstance(inner, dict) else {}
        name, text = inner.get("name"), inner.get("input" if kind == "custom" else "arguments")
        call = self._find(entry.get("index"), entry.get("id"), name, events)
        call.kind = kind
        if isinstance(name, str) and call.block is None and name != call.name:
            call.name += name
        if isinstance(text, str) and text:
            self._append(call, text, events)
        self.waiting = self.waiting or call.block is None

    def feed_function_call(self, call: Mapping[str, Any], events: list[Event]) -> None:
        """The older ``delta.function_call``: at most one, without an id."""
        self.feed({"index": "function_call", "function": call}, events)

    def _find(self, index: Any, call_id: Any, name: Any, events: list[Event]) -> _Call:
        call_id = call_id if isinstance(call_id, str) and call_id else None
        index = index if isinstance(index, (int, str)) else None
        named = isinstance(name, str) and bool(name)
        known = self._at.get(("id", call_id)) if index is None and call_id else self._at.get(index)
        if known is None and index is None and self._calls and call_id is None and not named:
            known = self._calls[-1]
        if known is not None and call_id is not None and call_id != known.id and named:
            known = None  # servers that give every call the index 0
        if known is None:
            self.begin_waiting(events)
            known = _Call(call_id or made_up_id(f"{self._seed} {self._choice} {len(self._calls)}"))
            self._calls.append(known)
        self._at[index] = self._at["id", known.id] = known
        return known

    def _append(self, call: _Call, text: str, events: list[Event]) -> None:
        if call.block is None and not call.name:
            call.arguments.append(text)
            return
        self._begin(call, events)
        assert call.block is not None  # noqa: S101 - tells the type checker what _begin has just done
        events.append(BlockDelta(call.block, "arguments", text, self._choice))

    def _begin(self, call: _Call, events: list[Event]) -> None:
        if call.block is not None:
            return
        call.block = self._open_block(events)
        events.append(BlockStart(call.block, ToolCall(call.id, self._restore(call.name), "", call.kind), self._choice))
        if call.arguments:
            events.append(BlockDelta(call.block, "arguments", "".join(call.arguments), self._choice))

    def begin_waiting(self, events: list[Event]) -> None:
        """Begin the calls whose arguments have not come."""
        self.waiting = False
        for call in self._calls:
            if call.name:
                self._begin(call, events)

    def stop(self, events: list[Event]) -> None:
        """The choice is over: begin what waits, and close all. Raises :class:`UpstreamBadResponse` for a nameless call."""
        self.begin_waiting(events)
        if any(call.arguments for call in self._calls if call.block is None):
            raise UpstreamBadResponse("the provider sent the arguments of a tool call without the tool's name")
        events += [BlockStop(call.block, self._choice) for call in self._calls if call.block is not None]
