"""What the assistant said before → a message of the wire.

From another dialect only what the model said and called is written. Its thoughts stay behind: they prove nothing to another
provider, and this API refuses fields it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmgate_core.messages import (
    Audio,
    Block,
    File,
    Image,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

from .carry import Carry
from .parts import folded, write_part
from .read_messages import write_audio
from .thinking import ThinkingBlock, write_thinking
from .tools import write_call
from .words import NAME


def write_assistant(message: Message, path: str, carry: Carry) -> dict[str, Any]:
    """One message. Without any content it says ``""``, with calls alone its content is null."""
    said: list[Text | Refusal] = []
    thoughts: list[ThinkingBlock] = []
    calls: list[dict[str, Any]] = []
    rest: list[tuple[str, Block]] = []
    for place, block in enumerate(message.content):
        if isinstance(block, (Text, Refusal)):
            said.append(block)
        elif isinstance(block, (Thinking, RedactedThinking)):
            thoughts.append(block)
        elif isinstance(block, ToolCall):
            calls.append(_call(block, carry))
        else:
            rest.append((f"{path}.content[{place}]", block))
    written = {"role": "assistant", **_content(said, carry)}
    if message.name is not None:
        written["name"] = message.name
    if carry.own:
        written.update(write_thinking(thoughts))
    for place_path, block in rest:
        _attach(written, block, place_path, carry)
    if calls:
        written["tool_calls"] = calls
    if written["content"] is None and set(written) == {"role", "content"}:
        written["content"] = ""
    return carry.record(written, message.extra)


def _call(call: ToolCall, carry: Carry) -> dict[str, Any]:
    written = write_call(call, carry.call_id(call.id), carry.tool_name(call.name), own=carry.own)
    if carry.own and call.cache_control is not None:
        written["cache_control"] = call.cache_control
    return carry.record(written, call.extra)


def _content(said: Sequence[Text | Refusal], carry: Carry) -> dict[str, Any]:
    """Text as one string if it can be one, a single refusal that ends it as the field ``refusal``."""
    fields: dict[str, Any] = {}
    if not carry.own:
        texts = [block.text for block in said if isinstance(block, Text)]
        refusals = [block.text for block in said if isinstance(block, Refusal)]
        fields["content"] = "".join(texts) if texts else None
        if refusals:
            fields["refusal"] = "".join(refusals)
        return fields
    refused = [block for block in said if isinstance(block, Refusal)]
    if len(refused) == 1 and said[-1] is refused[0] and not refused[0].extra:
        fields["refusal"], said = refused[0].text, said[:-1]
    parts = [write_part(block, "", carry) for block in said]
    return {"content": folded([part for part in parts if part]) if parts else None, **fields}


def _attach(written: dict[str, Any], block: Block, path: str, carry: Carry) -> None:
    """What an assistant's message can hold beside text: within this dialect its sound, pictures, and unknown parts."""
    if not carry.own or isinstance(block, (File, ToolResult)):
        kind = block.type if isinstance(block, Opaque) else type(block).__name__.lower()
        carry.losses.add(path, f"{NAME} has no {kind!r} in an assistant's message")
    elif isinstance(block, Audio):
        written["audio"] = write_audio(block)
    elif isinstance(block, (Image, Opaque)):
        part = write_part(block, path, carry)
        if part is not None and isinstance(block, Image):
            written.setdefault("images", []).append(part)
        elif part is not None:
            held = written["content"]
            parts = held if isinstance(held, list) else [{"type": "text", "text": held}] if held is not None else []
            written["content"] = [*parts, part]
