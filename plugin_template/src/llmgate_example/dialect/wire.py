"""The wire, as types: what may stand in a request, an answer, a stream and an error."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from llmgate_core import ProviderError
from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.frames import write_sse
from llmgate_core.messages import FinishReason

MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are not what they should be."""

Name = Annotated[str, Meta(min_length=1)]


class Call(Struct, frozen=True):
    """The model asks for a tool. ``arguments`` is JSON text, as the model wrote it."""

    id: Name
    name: Name
    arguments: str = ""


class Turn(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One turn of the conversation. A tool's turn says in ``call`` whose answer it is."""

    who: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[Call, ...] = ()
    call: str | None = None


class Offer(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A tool on offer. ``parameters`` is JSON Schema."""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Ask(Struct, frozen=True, omit_defaults=True):
    """A request."""

    model: str
    turns: Annotated[tuple[Turn, ...], Meta(min_length=1)]
    tools: tuple[Offer, ...] = ()
    max_tokens: int | None = None
    stream: bool = False


class Tokens(Struct, frozen=True, omit_defaults=True):
    """What it took. ``cached`` is a part of ``input``."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None


class Answer(Struct, frozen=True, omit_defaults=True):
    """A whole answer."""

    id: Name
    model: Name
    end: FinishReason
    text: str = ""
    calls: tuple[Call, ...] = ()
    tokens: Tokens | None = None


class Problem(Struct, frozen=True, omit_defaults=True):
    """An error. ``kind`` is one of the core's words."""

    message: Name
    kind: str | None = None
    code: str | None = None
    param: str | None = None
    status: int = 500

    @classmethod
    def of(cls, error: GatewayError) -> Problem:
        """As it is told to a client."""
        return cls(error.message, error.kind, error.code, error.param, error.status)

    def as_provider_error(self, *, verbatim: bool = False) -> ProviderError:
        """As it was told by a provider."""
        kinds: dict[str, ErrorKind] = {kind: kind for kind in get_args(ErrorKind)}
        kind = kinds.get(self.kind or "")
        return ProviderError(self.message, kind, self.code, self.param, verbatim)


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """The body of an error answer."""

    error: Problem
    request_id: str = ""


class Frame(Struct, frozen=True, omit_defaults=True):
    """One event of a stream: its id and model, then text and calls, then how it ends."""

    id: str | None = None
    model: str | None = None
    text: str = ""
    call: Call | None = None
    end: FinishReason | None = None
    tokens: Tokens | None = None
    error: Problem | None = None

    def as_bytes(self) -> bytes:
        """As a server-sent event."""
        return write_sse(msgspec.json.encode(self))
