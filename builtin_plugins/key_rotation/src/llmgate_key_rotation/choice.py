"""A draw by weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmgate_core import Key


def draw(keys: Sequence[Key], rng: Callable[[], float]) -> Key:
    """One of ``keys`` (at least one), as often as its weight says; one of weight 0 only among its like."""
    if len(keys) == 1:
        return keys[0]
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
