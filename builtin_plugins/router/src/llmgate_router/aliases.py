"""Aliases: names of the config's own, and the targets they stand for."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Literal

from attrs import define, field, frozen

from llmgate_core import Target


@define
class WeightedTarget:
    """A target with its share. Weight 0: only when all others failed."""

    target: str
    weight: float = 1.0

    def __attrs_post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"the weight of {self.target!r} must be 0 or more, not {self.weight}")


@define
class AliasConfig:
    """``ordered``: tried as listed. ``weighted``: the first drawn by weight, the others after it, drawn the same way."""

    targets: list[str | WeightedTarget]
    strategy: Literal["ordered", "weighted"] = "ordered"


@define
class RouterConfig:
    """``[plugins.router]``. ``models`` maps an alias to one target, a list of them, or a table with a strategy."""

    models: dict[str, str | list[str | WeightedTarget] | AliasConfig] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        Aliases(self.models, lambda: 0.0)


@frozen
class _Step:
    """One entry of an alias: a target, or another alias by name."""

    target: Target | str
    weight: float


@frozen
class _Route:
    steps: tuple[_Step, ...]
    weighted: bool


class Aliases:
    """The aliases of one config. Raises ValueError for one that is empty, malformed, or leads back to itself.

    ``fixed`` are the plans of those whose order never changes.
    """

    def __init__(
        self, models: Mapping[str, str | list[str | WeightedTarget] | AliasConfig], rng: Callable[[], float]
    ) -> None:
        self._rng = rng
        self._routes = {name: _route(name, value, models) for name, value in models.items()}
        for name in models:
            self._refuse_circle(name, ())
        self.fixed = {name: tuple(self._unfold(name)) for name in self._routes if not self._drawn(name)}

    def plan(self, name: str) -> tuple[Target, ...] | None:
        """The targets in the order to try them, each once; None for a name that is no alias."""
        if name in self.fixed:
            return self.fixed[name]
        return tuple(self._unfold(name)) if name in self._routes else None

    def targets_of(self) -> Mapping[str, Sequence[str]]:
        """Targets by the config path of the alias that names them."""
        return {
            f"plugins.router.models.{name}": [
                str(step.target) for step in route.steps if isinstance(step.target, Target)
            ]
            for name, route in self._routes.items()
        }

    def check(self, providers: Container[str]) -> None:
        """Raise ValueError for a target of an unknown provider, and for an alias that a provider's name hides."""
        for path, targets in self.targets_of().items():
            for target in targets:
                if target.partition("/")[0] not in providers:
                    raise ValueError(f"{path}: {target!r} names no configured provider; add it under [providers]")
        for name in self._routes:
            owner, slash, _ = name.partition("/")
            if slash and owner in providers:
                raise ValueError(
                    f"plugins.router.models.{name}: this alias hides a model of provider {owner!r}, because 'provider/model' "
                    "always addresses a target directly; choose another name"
                )

    def _unfold(self, name: str) -> Iterator[Target]:
        yield from dict.fromkeys(self._walk(name))

    def _walk(self, name: str) -> Iterator[Target]:
        route = self._routes[name]
        for step in self._shuffled(route.steps) if route.weighted else route.steps:
            if isinstance(step.target, Target):
                yield step.target
            else:
                yield from self._walk(step.target)

    def _shuffled(self, steps: Sequence[_Step]) -> list[_Step]:
        """A draw without replacement by weight (Efraimidis and Spirakis, 2006): exponential times, the earliest first."""
        return sorted(steps, key=lambda step: -math.log(1.0 - self._rng()) / step.weight if step.weight else math.inf)

    def _drawn(self, name: str) -> bool:
        route = self._routes[name]
        return route.weighted or any(isinstance(step.target, str) and self._drawn(step.target) for step in route.steps)

    def _refuse_circle(self, name: str, seen: tuple[str, ...]) -> None:
        if name in seen:
            raise ValueError(f"aliases lead in a circle: {' → '.join((*seen[seen.index(name) :], name))}")
        for step in self._routes[name].steps:
            if isinstance(step.target, str):
                self._refuse_circle(step.target, (*seen, name))


def _route(name: str, value: str | list[str | WeightedTarget] | AliasConfig, aliases: Container[str]) -> _Route:
    weighted = isinstance(value, AliasConfig) and value.strategy == "weighted"
    entries = value.targets if isinstance(value, AliasConfig) else [value] if isinstance(value, str) else value
    if not entries:
        raise ValueError(f"alias {name!r} has no targets; give at least one 'provider/model'")
    steps = tuple(_step(name, entry, aliases) for entry in entries)
    if weighted and not any(step.weight for step in steps):
        raise ValueError(f"alias {name!r} has only targets of weight 0; give one of them more")
    if not weighted and any(step.weight != 1.0 for step in steps):
        raise ValueError(f'alias {name!r} has weights that nothing reads; add strategy = "weighted"')
    return _Route(steps, weighted)


def _step(alias: str, entry: str | WeightedTarget, aliases: Container[str]) -> _Step:
    text, weight = (entry, 1.0) if isinstance(entry, str) else (entry.target, entry.weight)
    if text in aliases:
        return _Step(text, weight)
    try:
        return _Step(Target.parse(text), weight)
    except ValueError:
        raise ValueError(f"alias {alias!r}: {text!r} is neither 'provider/model' nor another alias") from None
