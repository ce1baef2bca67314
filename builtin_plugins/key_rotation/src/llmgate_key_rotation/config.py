"""``[plugins.key_rotation]``."""

from __future__ import annotations

from typing import Literal

from attrs import define, field, validators


@define
class KeyRotationConfig:
    """Times are seconds.

    ``cool_down`` is the rest after a 429 that does not say how long; it doubles up to ``max_cool_down`` as long as nothing works.
    ``retire_seconds`` is how long a refused key is left alone. ``scope`` is what a 429 rests: the key for one model, or the key.
    """

    cool_down: float = field(default=1.0, validator=[validators.gt(0), validators.lt(1e9)])
    max_cool_down: float = field(default=60.0, validator=[validators.gt(0), validators.lt(1e9)])
    retire_seconds: float = field(default=300.0, validator=[validators.gt(0), validators.lt(1e9)])
    scope: Literal["model", "key"] = "model"
