"""A streamed answer in canonical form: start · block start · block delta · block stop · … · end.

Blocks are numbered from 0 per choice in the order they began. Blocks of one choice may interleave (parallel tool
calls do in some dialects); a writer whose format cannot interleave buffers. Exactly one :class:`Start` comes first;
exactly one :class:`End` or :class:`Failure` comes last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .decisions import EMPTY
from .errors import GatewayError
from .messages import Block, FinishReason
from .usage import Usage
from .values import frozen

DeltaKind = Literal["text", "thinking", "signature", "arguments", "refusal", "audio", "citation"]


@frozen
class Start:
    """The answer begins. ``usage`` is what is known already (input tokens, say)."""

    id: str
    model: str
    created: int | None = None
    usage: Usage | None = None
    extra: Mapping[str, Any] = EMPTY


@frozen
class BlockStart:
    """A block begins; ``block`` carries what is known (a tool's id and name, redacted data) with empty text."""

    index: int
    block: Block
    choice: int = 0


@frozen
class BlockDelta:
    """``text`` is appended to the part of the block that ``kind`` names. ``extra`` holds logprobs, a citation …"""

    index: int
    kind: DeltaKind
    text: str
    choice: int = 0
    extra: Mapping[str, Any] = EMPTY


@frozen
class BlockStop:
    """The block is complete."""

    index: int
    choice: int = 0


@frozen
class Finish:
    """Why one choice ended."""

    reason: FinishReason
    choice: int = 0
    native: str | None = None
    stop_sequence: str | None = None
    extra: Mapping[str, Any] = EMPTY


@frozen
class End:
    """The answer is complete: one :class:`Finish` per choice, and the final usage."""

    finishes: tuple[Finish, ...]
    usage: Usage | None = None
    extra: Mapping[str, Any] = EMPTY


@frozen
class Ping:
    """The provider is alive and has nothing to say."""


@frozen
class Failure:
    """The provider reported an error inside the stream; ``error.status`` is what it would have been before it."""

    error: GatewayError


Event = Start | BlockStart | BlockDelta | BlockStop | End | Ping | Failure
