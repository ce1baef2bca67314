"""Which keys may be used for a model, and a draw among them by weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmgate_core import Key, Provider


def allowed_keys(provider: Provider, model: str) -> Sequence[Key]:
    """The provider's keys that may be used for ``model``; without patterns anywhere that is all of them."""
    for key in provider.keys:
        if key.models:
            return [one for one in provider.keys if one.allows(model)]
    return provider.keys


def draw(keys: Sequence[Key], rng: Callable[[], float]) -> Key:
    """One of ``keys`` (at least one), as often as its weight says; one of weight 0 only among its like."""
    if len(keys) == 1:
        return keys[0]
    if len({key.weight for key in keys}) == 1:
        return keys[int(rng() * len(keys))]
    weights = [max(0.0, key.weight) for key in keys]
    total = sum(weights)
    if not total:
        return keys[int(rng() * len(keys))]
    at = rng() * total
    for key, weight in zip(keys, weights, strict=True):
        at -= weight
        if at < 0:
            return key
    # only by rounding: the last that has a weight at all
    return [key for key, weight in zip(keys, weights, strict=True) if weight][-1]
