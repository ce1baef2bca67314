"""The canonical conversation: what every dialect is translated from and to.

A request is a list of messages made of ordered content blocks. What a dialect has and this form has no word for is
kept in ``extra`` under the field's native name; ``dialect`` on the request (or response) says whose names these
are. A codec writes ``extra`` back into its own dialect; into another dialect it maps, refuses or reports it.

Conventions: tuples, not lists (values are immutable; change one with ``attrs.evolve``). None means "not given".
Tool arguments stay the JSON text the model wrote. ``cache_control`` is kept as given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .decisions import EMPTY
from .usage import Usage
from .values import frozen

Role = Literal["system", "developer", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error"]
Extra = Mapping[str, Any]


@frozen
class Source:
    """Where the bytes of an image, audio or file are.

    ``kind`` says how to read ``value``: an ``url``, ``base64`` data, plain ``text``, or a provider's ``file_id``.
    """

    kind: Literal["url", "base64", "text", "file_id"]
    value: str
    media_type: str | None = None


@frozen
class Text:
    """Visible text."""

    text: str
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class Image:
    """A picture; ``detail`` is the resolution hint some dialects have (low, high, auto)."""

    source: Source
    detail: str | None = None
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class Audio:
    """Sound; ``format`` is a short name such as ``wav`` or ``mp3``."""

    source: Source
    format: str | None = None
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class File:
    """A document."""

    source: Source
    filename: str | None = None
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class ToolCall:
    """The model asks for a tool. ``arguments`` is JSON text exactly as written (``custom`` tools: free text)."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class ToolResult:
    """A tool's answer to the call with ``call_id``."""

    call_id: str
    content: tuple[Block, ...] = ()
    is_error: bool | None = None
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class Thinking:
    """Reasoning text. ``signature`` proves it to the provider that wrote it: it is carried byte for byte.

    ``dialect`` names the wire format the signature belongs to; None when unknown.
    """

    text: str
    signature: str | None = None
    dialect: str | None = None
    extra: Extra = EMPTY


@frozen
class RedactedThinking:
    """Reasoning the provider encrypted: opaque, replayed as it came."""

    data: str
    dialect: str | None = None
    extra: Extra = EMPTY


@frozen
class Refusal:
    """The model declines, in words."""

    text: str
    extra: Extra = EMPTY


@frozen
class Opaque:
    """A block that only ``dialect`` knows (server tool results, containers …), whole, as it came."""

    dialect: str
    type: str
    data: Extra


Block = Text | Image | Audio | File | ToolCall | ToolResult | Thinking | RedactedThinking | Refusal | Opaque


@frozen
class Message:
    """One turn. Tool results are :class:`ToolResult` blocks, in a ``tool`` message or inside a ``user`` one."""

    role: Role
    content: tuple[Block, ...] = ()
    name: str | None = None
    extra: Extra = EMPTY


@frozen
class Tool:
    """A tool on offer. ``kind`` is ``function``, or a dialect's own type, whose whole definition is then in ``extra``."""

    name: str
    description: str | None = None
    parameters: Extra | None = None
    strict: bool | None = None
    kind: str = "function"
    cache_control: Extra | None = None
    extra: Extra = EMPTY


@frozen
class ToolChoice:
    """``tool`` forces the one in ``name``; ``allowed`` limits to ``names``, of which one is ``required`` or not."""

    mode: Literal["auto", "none", "required", "tool", "allowed"]
    name: str | None = None
    names: tuple[str, ...] = ()
    required: bool = False
    extra: Extra = EMPTY


@frozen
class OutputFormat:
    """What the answer must look like. ``schema`` is JSON Schema, given with ``json_schema`` only."""

    kind: Literal["text", "json_object", "json_schema"]
    schema: Extra | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None
    extra: Extra = EMPTY


@frozen
class Sampling:
    """Numbers that shape the answer. ``max_tokens`` bounds the output, reasoning included."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Extra | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None


@frozen
class Reasoning:
    """How much the model may think: by ``effort`` word, by ``budget_tokens``, or by ``mode``; any may be absent."""

    mode: Literal["enabled", "disabled", "adaptive"] | None = None
    effort: str | None = None
    budget_tokens: int | None = None
    extra: Extra = EMPTY


@frozen
class ChatRequest:
    """A whole request in canonical form. ``user`` is the caller's stable id for its end user."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    stream: bool = False
    include_usage: bool = False
    user: str | None = None
    service_tier: str | None = None
    metadata: Extra = EMPTY
    dialect: str = ""
    extra: Extra = EMPTY


@frozen
class Choice:
    """One answer. ``native_finish`` is the provider's own word; ``stop_sequence`` the string that matched."""

    message: Message
    finish_reason: FinishReason
    index: int = 0
    native_finish: str | None = None
    stop_sequence: str | None = None
    logprobs: Any = None
    extra: Extra = EMPTY


@frozen
class ChatResponse:
    """A whole answer. ``created`` is Unix seconds; ``usage`` is None when the provider gave none."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int | None = None
    service_tier: str | None = None
    dialect: str = ""
    extra: Extra = EMPTY
