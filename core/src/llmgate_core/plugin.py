"""What the core knows of a plugin besides its hooks. Subclassing :class:`Plugin` is handy, not required."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import frozen

from .hookspecs import HOOK_API


@frozen
class Gauge:
    """A reading a plugin offers to whoever exports metrics. ``read`` is called at each scrape and must be quick.

    ``name`` in the style of Prometheus (``llmgate_key_state``); ``read`` gives ``(label values, value)`` pairs, label values
    in the order of ``labels`` and from a bounded set.
    """

    name: str
    help: str
    labels: Sequence[str]
    read: Callable[[], Iterable[tuple[Sequence[str], float]]]


class Plugin:
    """A plugin: configuration class plus hook methods, one instance per gateway.

    ``claims`` are extension fields of a request's body that are this plugin's: they are taken out before a provider
    sees the body, and stand in ``exchange.extensions``.
    """

    config_class: ClassVar[type[Any] | None] = None
    hook_api: ClassVar[int] = HOOK_API
    claims: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def model_names(self) -> Iterable[str]:
        """Names this plugin makes askable (aliases): they appear in lists of models."""
        return ()

    def gauges(self) -> Iterable[Gauge]:
        """Readings for metrics."""
        return ()

    def targets_of(self) -> Mapping[str, Sequence[str]]:
        """Targets named in this plugin's config, by the config path that names them; checked against the providers at start."""
        return {}
