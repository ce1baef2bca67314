"""A budget of retries for each provider: when many requests fail, retries must not multiply the load.

A bucket fills by a share for each request and by time, and each retry takes one (as in Finagle's RetryBudget).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from attrs import define

from .config import RetryConfig


@define
class _Bucket:
    left: float
    seen: float
    refused: int = 0


class Budgets:
    """One bucket per provider's name, full at first.

    ``requests`` counts, by provider, those whose share is not in the bucket yet: adding one is all that a request costs.
    Nothing leaves a bucket but by :meth:`take`, which fills it first; so it is full at the same time either way.
    """

    def __init__(self, config: RetryConfig, clock: Callable[[], float]) -> None:
        self._ratio = config.budget_ratio
        self._per_second = config.budget_per_second
        self._most = config.budget_burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self.requests: defaultdict[str, int] = defaultdict(int)

    def take(self, provider: str) -> bool:
        """Spend one retry; False when there is none."""
        bucket = self._filled(provider)
        if bucket.left < 1.0:
            bucket.refused += 1
            return False
        bucket.left -= 1.0
        return True

    def left(self) -> Iterable[tuple[Sequence[str], float]]:
        """Retries left, by provider."""
        return [((name,), self._filled(name).left) for name in tuple(self.requests)]

    def refused(self) -> Iterable[tuple[Sequence[str], float]]:
        """Retries refused since the start, by provider."""
        return [((name,), float(self._filled(name).refused)) for name in tuple(self.requests)]

    def _filled(self, provider: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(provider)
        if bucket is None:
            bucket = self._buckets[provider] = _Bucket(self._most, now)
        earned = self.requests[provider] * self._ratio + (now - bucket.seen) * self._per_second
        self.requests[provider] = 0
        bucket.left = min(self._most, bucket.left + earned)
        bucket.seen = now
        return bucket
