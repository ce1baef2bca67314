"""What plugins return to steer a request. Plain values; the core acts on them."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from .secrets import Secret

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@frozen
class Target:
    """One place a request may go: a provider by name, and the model's name there.

    ``weight`` is for balancers; ``options`` is for whoever put the target into the plan.
    """

    provider: str
    model: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default=EMPTY, hash=False)

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """``provider/model`` → Target. The model may hold further slashes. Raises ValueError without a slash."""
        provider, slash, model = text.partition("/")
        if not (slash and provider and model):
            raise ValueError(f"{text!r} is not 'provider/model'")
        return cls(provider, model)


@frozen
class Key:
    """One credential of a provider.

    ``name`` is what logs and metrics show (given in the config, else the secret's fingerprint); ``models`` are shell
    patterns of the models it may be used for (empty: all).
    """

    secret: Secret
    name: str
    weight: float = 1.0
    models: tuple[str, ...] = ()

    def allows(self, model: str) -> bool:
        """Whether this key may be used for ``model``."""
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


@frozen
class Retry:
    """Try the same target again after ``after`` seconds (0: at once, say with another key)."""

    after: float = 0.0


@frozen
class Next:
    """Go on to the next target of the plan."""
