"""What the echo says to a conversation: decided whole, before a word of it is spoken."""

from __future__ import annotations

import json
from typing import Final

from attrs import evolve, frozen

from llmgate_core.messages import ChatRequest, FinishReason, Message, Refusal, Text, Thinking, ToolCall, ToolResult

from .calls import calls_for
from .instances import instance
from .script import Script
from .words import count, first_words, told

Spoken = Text | Thinking | ToolCall | Refusal
NOTHING: Final = "(nothing to echo)"
NO_REASONING: Final = frozenset({None, "none"})


@frozen
class Reply:
    """The blocks of the answer and why it ends."""

    blocks: tuple[Spoken, ...]
    finish: FinishReason
    stop_sequence: str | None = None


def compose(chat: ChatRequest, script: Script, provider: str) -> Reply:
    """The whole reply. Raises what a provider answers to a tool choice that cannot be met."""
    if script.empty:
        return Reply((), "stop")
    if script.refuse:
        return Reply((Refusal("I am an echo that was told to refuse."),), "content_filter")
    results = _last_results(chat.messages)
    asked = "\n".join(told(result.content) for result in results) if results else _last_user_text(chat.messages)
    thinking = (Thinking(f"The last message has {count(asked)} words. I repeat it."),) if _thinks(chat) else ()
    # After a tool's result comes text, whatever the tool choice says: a loop with an echo in it must end.
    calls = () if results else calls_for(chat, asked, provider)
    if calls:
        return Reply((*thinking, *calls), "tool_calls")
    return _shorten(thinking, _formatted(chat, asked), chat)


def _last_user_text(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            return told(message.content) or NOTHING
    return NOTHING


def _last_results(messages: tuple[Message, ...]) -> list[ToolResult]:
    """The tool results that the conversation ends with: several ``tool`` messages, or one ``user`` message of them."""
    found: list[ToolResult] = []
    for message in reversed(messages):
        results = [block for block in message.content if isinstance(block, ToolResult)]
        if not results:
            break
        found = results + found
    return found


def _thinks(chat: ChatRequest) -> bool:
    reasoning = chat.reasoning
    if reasoning is None or reasoning.mode == "disabled":
        return False
    return reasoning.mode is not None or reasoning.effort not in NO_REASONING or bool(reasoning.budget_tokens)


def _formatted(chat: ChatRequest, text: str) -> str:
    if chat.output is None or chat.output.kind == "text":
        return text
    content = instance(chat.output.schema) if chat.output.kind == "json_schema" else {"echo": text}
    return json.dumps(content, ensure_ascii=False)


def _shorten(thinking: tuple[Thinking, ...], text: str, chat: ChatRequest) -> Reply:
    """Stop sequences first, then ``max_tokens``, thinking included; the earlier end gives the reason."""
    found = sorted((text.find(stop), stop) for stop in chat.sampling.stop if stop and stop in text)
    stop_sequence = found[0][1] if found else None
    text = text[: found[0][0]] if found else text
    left = chat.sampling.max_tokens
    if left is None:
        return Reply((*thinking, Text(text)), "stop", stop_sequence)
    thought = sum(count(block.text) for block in thinking)
    if thought >= left:
        shorter = tuple(evolve(block, text=first_words(block.text, left)) for block in thinking)
        return Reply(shorter, "length")
    if count(text) > left - thought:
        return Reply((*thinking, Text(first_words(text, left - thought))), "length")
    return Reply((*thinking, Text(text)), "stop", stop_sequence)
