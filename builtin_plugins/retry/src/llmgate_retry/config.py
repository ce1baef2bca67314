"""``[plugins.retry]``."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from attrs import define, field, validators

_FAMILY: Final = re.compile(r"[45]xx")
# The request itself is wrong, or our credentials are: the same bytes will be refused the same way (WT-302).
NEVER: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422})


def _seconds(_: Any, attribute: Any, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be 0 or more, not {value}")


def _default_statuses() -> list[int | str]:
    """Timeouts and conflicts at the provider, limits, and its own trouble."""
    return [408, 409, 425, 429, "5xx"]


@define
class RetryConfig:
    """Times are seconds.

    ``max_retries`` is per target. ``base_delay`` doubles up to ``max_delay``. ``max_wait`` is the longest wait a provider may
    ask for, ``patience`` the longest one while other targets are left. The budget of a provider: each request earns
    ``budget_ratio`` retries, each second ``budget_per_second``; at most ``budget_burst`` are kept.
    """

    max_retries: int = field(default=2, validator=validators.ge(0))
    base_delay: float = field(default=0.5, validator=_seconds)
    max_delay: float = field(default=8.0, validator=_seconds)
    max_wait: float = field(default=30.0, validator=_seconds)
    patience: float = field(default=0.5, validator=_seconds)
    statuses: list[int | str] = field(factory=_default_statuses)
    budget_ratio: float = field(default=0.2, validator=_seconds)
    budget_per_second: float = field(default=10.0, validator=_seconds)
    budget_burst: float = field(default=100.0, validator=_seconds)

    @statuses.validator
    def _check_statuses(self, _: Any, statuses: list[int | str]) -> None:
        for status in statuses:
            if status in NEVER:
                raise ValueError(f"{status} is never tried again: the same request is refused the same way; remove it")
            if not (400 <= status <= 599 if isinstance(status, int) else _FAMILY.fullmatch(status)):
                raise ValueError(f'{status!r} is no status; give a number from 400 to 599, or "5xx"')

    def written_out(self) -> frozenset[int]:
        """The statuses as numbers."""
        found: set[int] = set()
        for status in self.statuses:
            first = status if isinstance(status, int) else int(status[0]) * 100
            found.update([first] if isinstance(status, int) else range(first, first + 100))
        return frozenset(found - NEVER)
