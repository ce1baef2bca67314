"""A request's messages as text for the log, when an operator switched that on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmgate_core import Exchange
from llmgate_core.errors import GatewayError
from llmgate_core.messages import Block, Refusal, Text, Thinking, ToolCall, ToolResult

from .redaction import Redaction

MOST_MESSAGES: Final = 50


def messages_of(exchange: Exchange, redaction: Redaction, longest: int) -> list[dict[str, str]] | None:
    """``[{"role": …, "content": …}]`` of the last messages; None when the request could not be understood."""
    try:
        chat = exchange.request.canonical
    except GatewayError:
        return None  # the line's error says so already
    return [
        {"role": message.role, "content": redaction.clean("\n".join(_texts(message.content)), longest)}
        for message in chat.messages[-MOST_MESSAGES:]
    ]


def _texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Text(text=text) | Thinking(text=text) | Refusal(text=text):
                yield text
            case ToolCall(name=name, arguments=arguments):
                yield f"[calls {name}] {arguments}"
            case ToolResult(content=content):
                yield "[result]"
                yield from _texts(content)
            case _:
                yield f"[{type(block).__name__.lower()}]"
