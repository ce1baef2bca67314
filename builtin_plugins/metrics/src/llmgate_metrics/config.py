"""``[plugins.metrics]``."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from llmgate_core import Secret


def _a_path(_: Any, attribute: Any, value: str) -> None:
    if not value.startswith("/") or "{" in value:
        raise ValueError(f"{attribute.name} must be a path such as '/metrics', not {value!r}")


def _at_least_ten(_: Any, attribute: Any, value: int) -> None:
    if value < 10:
        raise ValueError(f"{attribute.name} must be at least 10, not {value}")


@define
class MetricsConfig:
    """``[plugins.metrics]``.

    ``models`` are further names to show besides those that the providers' and plugins' configuration knows; all others
    become ``other``. ``max_series`` bounds how many combinations of dialect, provider and model are told apart. With a ``token``
    a scraper must send it as ``Authorization: Bearer …``.
    """

    path: str = field(default="/metrics", validator=_a_path)
    token: Secret | None = None
    models: list[str] = field(factory=list)
    max_series: int = field(default=500, validator=_at_least_ten)
