"""``[plugins.fallback]``: the chains, and which errors move on."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

from attrs import define, field, frozen, validators

from llmgate_core import Target
from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.upstream_errors import UpstreamError, UpstreamRejected

_FAMILY: Final = re.compile(r"[45]xx")
CONTEXT_OVERFLOW: Final = "context_length_exceeded"


def _default_statuses() -> list[int | str]:
    """Trouble of the provider (5xx, 429, 408, 409, 425), of our account there (401, 402, 403), or of our config (404)."""
    return [401, 402, 403, 404, 408, 409, 425, 429, "5xx"]


@define
class FallbackConfig:
    """``models``: per ``provider/model`` (or name asked for) the targets tried after it; ``default``: after those, for all.

    ``statuses`` are a provider's statuses that move on, ``kinds`` the kinds of errors without a status that do.
    ``context_overflow`` moves on as well when the prompt is too long for the model. ``max_targets`` bounds a request's own list.
    """

    models: dict[str, list[str]] = field(factory=dict)
    default: list[str] = field(factory=list)
    statuses: list[int | str] = field(factory=_default_statuses)
    kinds: list[str] = field(factory=lambda: ["upstream", "timeout", "overloaded"])
    context_overflow: bool = False
    max_targets: int = field(default=10, validator=validators.ge(0))

    @statuses.validator
    def _check_statuses(self, _: Any, statuses: list[int | str]) -> None:
        for status in statuses:
            if not (400 <= status <= 599 if isinstance(status, int) else _FAMILY.fullmatch(status)):
                raise ValueError(f'{status!r} is no status; give a number from 400 to 599, or "4xx" or "5xx"')

    @kinds.validator
    def _check_kinds(self, _: Any, kinds: list[str]) -> None:
        for kind in kinds:
            if kind not in get_args(ErrorKind):
                raise ValueError(f"{kind!r} is no kind of error; the kinds are {', '.join(get_args(ErrorKind))}")

    def __attrs_post_init__(self) -> None:
        for name, chain in self.models.items():
            for target in chain:
                if target == name:
                    raise ValueError(f"models.{name} falls back to itself; remove it from its own chain")
                Target.parse(target)
        for target in self.default:
            Target.parse(target)


@frozen
class Rules:
    """Which errors move on. Judged by status, code and class, never by an error's text."""

    statuses: frozenset[int]
    kinds: frozenset[str]
    context_overflow: bool

    @classmethod
    def of(cls, config: FallbackConfig) -> Rules:
        """``"5xx"`` written out."""
        statuses: set[int] = set()
        for status in config.statuses:
            first = status if isinstance(status, int) else int(status[0]) * 100
            statuses.update([first] if isinstance(status, int) else range(first, first + 100))
        return cls(frozenset(statuses), frozenset(config.kinds), config.context_overflow)

    def moves_on(self, error: Exception) -> bool:
        """Whether another target should be tried after ``error``. The request's own fault never moves on."""
        if isinstance(error, GatewayError) and error.code == CONTEXT_OVERFLOW:
            return self.context_overflow
        if isinstance(error, UpstreamRejected):
            return error.upstream_status in self.statuses
        return isinstance(error, UpstreamError) and error.kind in self.kinds
