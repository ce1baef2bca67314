"""Messages of a request, and the message of an answer, from the wire to canonical blocks.

The order of an assistant's blocks is not on this wire: it is thinking, text, refusal, audio, images, tool calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from llmgate_core.messages import Audio, Block, Message, Refusal, Role, Source, Text, ToolCall, ToolResult

from .fields import Fail, Fields, shown
from .parts import read_content, read_part
from .thinking import read_thinking
from .tools import made_up_id, read_call

_ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "system": "system",
        "developer": "developer",
        "user": "user",
        "assistant": "assistant",
        "tool": "tool",
        "function": "tool",
    }
)


class MessageReader:
    """Reads the messages of one conversation, or of one answer, whose id is then the ``seed`` of ids it left out.

    The older function calls have no ids at all: each gets one, and a ``function`` message answers the last call of its name.
    """

    def __init__(self, fail: Fail, seed: str | None = None) -> None:
        self._fail = fail
        self._seed = seed
        self._made_up = 0
        self._named: dict[str, str] = {}

    def read(self, message: Fields) -> Message:
        """One message. Raises at the path of a field with a wrong type."""
        role = message.needed("role")
        canonical = _ROLES.get(role)
        if canonical is None:
            raise message.wrong("role", f"must be one of {', '.join(_ROLES)}, not {shown(role)}")
        if canonical == "assistant":
            return self.read_assistant(message)
        name = message.string("name")
        if canonical == "tool":
            return self._read_result(message, name, legacy=role == "function")
        content = self._content(message)
        return Message(canonical, content, name, message.rest())

    def _content(self, message: Fields) -> tuple[Block, ...]:
        value = message.take("content")
        content = read_content(value, message.where("content"), self._fail)
        if type(value) is str and message.has("cache_control"):
            # set on the message by clients whose content is a string: it is meant for that string
            return (Text(value, message.mapping("cache_control")),)
        return content

    def _read_result(self, message: Fields, name: str | None, *, legacy: bool) -> Message:
        if legacy:
            if name is None:
                raise message.wrong("name", "is missing")
            call_id = self._named.get(name) or made_up_id(f"function {name}")
            name = None
        else:
            call_id = message.needed("tool_call_id")
        cache = message.mapping("cache_control")
        content = read_content(message.take("content"), message.where("content"), self._fail)
        return Message("tool", (ToolResult(call_id, content, cache_control=cache),), name, message.rest())

    def read_assistant(self, message: Fields) -> Message:
        """What the model said; the message of an answer has the same shape."""
        message.take("role")
        blocks: list[Block] = read_thinking(message)
        blocks += self._content(message)
        refusal = message.string("refusal")
        if refusal is not None:
            blocks.append(Refusal(refusal))
        if message.has("audio"):
            blocks.append(read_audio(message.inner("audio")))
        for number, image in enumerate(message.array("images") or ()):
            blocks.append(read_part(image, message.where(f"images[{number}]"), self._fail))
        for call in message.objects("tool_calls"):
            blocks.append(read_call(call, self._seed and self._next_seed()))
        if message.has("function_call"):
            blocks.append(self._read_function_call(message.inner("function_call")))
        return Message("assistant", tuple(blocks), message.string("name"), message.rest())

    def _next_seed(self) -> str:
        self._made_up += 1
        return f"{self._seed or 'function'} {self._made_up}"

    def _read_function_call(self, call: Fields) -> ToolCall:
        name, arguments = call.needed("name"), call.string("arguments") or ""
        self._named[name] = made_up_id(self._next_seed())
        return ToolCall(self._named[name], name, arguments)


def read_audio(audio: Fields) -> Audio:
    """The sound of an answer; in a later request only its id. All that is not sound is kept as extra."""
    if audio.has("data"):
        return Audio(Source("base64", audio.needed("data")), extra=audio.rest())
    return Audio(Source("file_id", audio.needed("id")), extra=audio.rest())


def write_audio(audio: Audio) -> dict[str, Any]:
    """The ``audio`` field of an assistant's message."""
    name = "id" if audio.source.kind == "file_id" else "data"
    return {name: audio.source.value, **audio.extra}
