"""Between the wire and the canonical form: requests and whole answers, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

import attrs

from llmgate_core import Losses, Usage
from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import (
    Block,
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Refusal,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

from .wire import Answer, Ask, Call, Offer, Tokens, Turn

NOT_COMPARED: Final = frozenset({"model", "stream", "include_usage", "dialect", "extra"})

# ── requests ─────────────────────────────────────────────────────────────────────────


def chat_of(ask: Ask, dialect: str = "", extra: Mapping[str, Any] | None = None) -> ChatRequest:
    """A request as it came → canonical. Raises InvalidRequest."""
    for number, turn in enumerate(ask.turns):
        if (turn.who == "tool") is not (turn.call is not None):
            told = "'call' says whose answer a tool's turn is, and stands in no other"
            raise InvalidRequest(told, code="invalid_value", param=f"turns[{number}].call")
    return ChatRequest(
        model=ask.model,
        messages=tuple(message_of(turn) for turn in ask.turns),
        tools=tuple(Tool(tool.name, tool.description, tool.parameters) for tool in ask.tools),
        sampling=Sampling(max_tokens=ask.max_tokens),
        stream=ask.stream,
        dialect=dialect,
        extra=extra or {},
    )


def message_of(turn: Turn) -> Message:
    """One turn → canonical."""
    text = (Text(turn.text),) if turn.text else ()
    if turn.call is not None:
        return Message("tool", (ToolResult(turn.call, text),))
    return Message(turn.who, (*text, *tool_calls(turn.calls)))


def ask_of(chat: ChatRequest, model: str) -> Ask:
    """Canonical → a request, as far as it goes. Raises InvalidRequest when there is nothing to say."""
    if not chat.messages:
        raise InvalidRequest("there are no messages", param="messages")
    return Ask(
        model=model,
        turns=tuple(turn_of(message) for message in tidy(chat.messages)),
        tools=tuple(Offer(tool.name, tool.description, schema(tool)) for tool in chat.tools),
        max_tokens=chat.sampling.max_tokens,
        stream=chat.stream,
    )


def turn_of(message: Message) -> Turn:
    """One tidy message → a turn."""
    for block in message.content:
        if isinstance(block, ToolResult):
            return Turn("tool", text_in(block.content), call=block.call_id)
    who = message.role if message.role != "developer" else "system"
    return Turn(who, text_in(message.content), calls_in(message.content))


def schema(tool: Tool) -> dict[str, Any] | None:
    """A tool's parameters as they are written."""
    return None if tool.parameters is None else dict(tool.parameters)


def tidy(messages: Iterable[Message]) -> Iterator[Message]:
    """The same conversation in this dialect's shape: a message for each tool's result, texts that touch made one."""
    for message in messages:
        results = [block for block in message.content if isinstance(block, ToolResult)]
        rest = [block for block in message.content if not isinstance(block, ToolResult)]
        for result in results:
            yield Message("tool", (attrs.evolve(result, content=joined(result.content)),))
        if rest or not results:
            role = "system" if message.role == "developer" else message.role
            yield attrs.evolve(message, role=role, content=joined(rest))


def joined(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Plain texts that touch become one; an empty one says nothing."""
    found: list[Block] = []
    for block in blocks:
        last = found[-1] if found else None
        if not isinstance(block, Text) or block != Text(block.text):
            found.append(block)
        elif isinstance(last, Text) and last == Text(last.text):
            found[-1] = Text(last.text + block.text)
        elif block.text:
            found.append(block)
    return tuple(found)


# ── what is lost ─────────────────────────────────────────────────────────────────────


def tell_losses(chat: ChatRequest, ask: Ask, dialect: str, losses: Losses) -> None:
    """What does not come back is lost. Asked like this, nothing is forgotten, not even what the core will learn."""
    before = attrs.evolve(chat, messages=tuple(tidy(chat.messages)))
    after = ChatRequest(
        model=chat.model,
        messages=tuple(message_of(turn) for turn in ask.turns),
        tools=tuple(Tool(tool.name, tool.description, tool.parameters) for tool in ask.tools),
        sampling=Sampling(max_tokens=ask.max_tokens),
    )
    names = [*(chat.extra if chat.dialect != dialect else ()), *different(before, after)]
    for name in names:
        losses.add(name, f"the dialect {dialect} has no place for it")


def different(before: Any, after: Any, skip: frozenset[str] = NOT_COMPARED) -> Iterator[str]:
    """Names of the fields in which two values of one class differ."""
    for field in attrs.fields(type(before)):
        one, other = getattr(before, field.name), getattr(after, field.name)
        if field.name in skip or one == other:
            continue
        if field.name in {"messages", "tools"}:
            pairs = enumerate(zip_longest(one, other))
            yield from (f"{field.name}[{number}]" for number, (x, y) in pairs if x != y)
        elif isinstance(one, Sampling):
            yield from different(one, other, frozenset())
        else:
            yield field.name


# ── whole answers ────────────────────────────────────────────────────────────────────


def answer_of(response: ChatResponse) -> Answer:
    """Canonical → an answer: its first choice, which is the only one that a request here can ask for."""
    choice = response.choices[0]
    content = choice.message.content
    return Answer(
        id=response.id,
        model=response.model,
        end=choice.finish_reason,
        text=text_in(content),
        calls=calls_in(content),
        tokens=tokens_of(response.usage),
    )


def response_of(answer: Answer, dialect: str) -> ChatResponse:
    """An answer → canonical."""
    text = (Text(answer.text),) if answer.text else ()
    message = Message("assistant", (*text, *tool_calls(answer.calls)))
    choice = Choice(message, answer.end)
    return ChatResponse(answer.id, answer.model, (choice,), usage_of(answer.tokens), dialect=dialect)


def text_in(blocks: Iterable[Block]) -> str:
    """What is to be read, in one piece."""
    return "".join(block.text for block in blocks if isinstance(block, (Text, Refusal)))


def calls_in(blocks: Iterable[Block]) -> tuple[Call, ...]:
    """The tools that are asked for."""
    return tuple(Call(b.id, b.name, b.arguments) for b in blocks if isinstance(b, ToolCall))


def tool_calls(calls: Iterable[Call]) -> Iterator[ToolCall]:
    """The same, canonical."""
    return (ToolCall(call.id, call.name, call.arguments) for call in calls)


def tokens_of(usage: Usage | None) -> Tokens | None:
    """Canonical counts → the wire's."""
    if usage is None:
        return None
    return Tokens(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)


def usage_of(tokens: Tokens | None) -> Usage | None:
    """The wire's counts → canonical."""
    if tokens is None:
        return None
    return Usage(tokens.input, tokens.output, tokens.cached)
