"""Which keys may be used for a model, and a draw among them by weight."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate

from attrs import define

from llmgate_core import Key, Provider


def allowed_keys(provider: Provider, model: str) -> Sequence[Key]:
    """The provider's keys that may be used for ``model``; without patterns anywhere that is all of them."""
    for key in provider.keys:
        if key.models:
            return [one for one in provider.keys if one.allows(model)]
    return provider.keys


@define
class Lots:
    """Keys laid out once, to be drawn from often: ``keys[bisect(bounds, chance)]``, chance in [0, 1).

    ``keys`` are those that have a share of the draws, ``bounds`` where one share ends and the next begins. ``given`` is
    the provider's own tuple of keys that they come from: lots from another tuple are old.
    """

    given: Sequence[Key]
    keys: Sequence[Key]
    bounds: Sequence[float]

    @classmethod
    def of(cls, keys: Sequence[Key], given: Sequence[Key] = ()) -> Lots:
        """``keys`` (at least one) by weight; a key of weight 0 is only drawn among its like."""
        weighing = [key for key in keys if key.weight > 0.0]
        heaviest = max((key.weight for key in weighing), default=1.0)
        # as shares of the heaviest: their sum is never too large for a float
        sums = tuple(accumulate(key.weight / heaviest if weighing else 1.0 for key in weighing or keys))
        return cls(given, weighing or keys, tuple(end / sums[-1] for end in sums[:-1]))


def draw(keys: Sequence[Key], rng: Callable[[], float]) -> Key:
    """One of ``keys`` (at least one), as often as its weight says; one of weight 0 only among its like."""
    if len(keys) == 1:
        return keys[0]
    lots = Lots.of(keys)
    return lots.keys[bisect(lots.bounds, rng())]
