"""Small values that dialects, providers and the core hand to one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import frozen

from .decisions import EMPTY
from .errors import ErrorKind
from .messages import FinishReason
from .usage import Usage


@frozen
class Route:
    """A path a dialect serves. ``{name}`` in ``path`` is one segment (``{name:path}`` may hold slashes).

    ``operation`` says what is asked: ``chat``, ``count_tokens``, ``models``, ``model`` are known to the core; any other is
    relayed to a provider of the same dialect. ``pure`` marks inference without side effects: only that is repeated when
    it is unknown whether the provider has run it.
    """

    method: str
    path: str
    operation: str
    pure: bool = True


class WireRequest(msgspec.Struct):
    """A request as a client face wrote it.

    ``headers`` are the dialect's own (a version, beta flags), lower-case. ``memo`` is for the dialect alone: what it needs
    to read the answer (renamed tools, say). It comes back in ``read_response`` and ``event_reader``.
    """

    body: bytes
    headers: Mapping[str, str] = EMPTY
    memo: Any = None


class Summary(msgspec.Struct):
    """What metrics and logs need of an answer. Of ``usage`` only the counts are certain, not the extras."""

    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    model: str | None = None


@frozen
class ProviderError:
    """A provider's error, in canonical words. ``kind`` and ``code`` come from its status and code, never from its prose.

    ``verbatim`` says that the body is well-formed JSON of the dialect and may be shown to a client of the same dialect.
    """

    message: str
    kind: ErrorKind | None = None
    code: str | None = None
    param: str | None = None
    verbatim: bool = False


@frozen
class ModelInfo:
    """One model a client can ask for. ``created`` is Unix seconds, 0 when unknown."""

    id: str
    owned_by: str
    created: int = 0
