"""What is there: provider types, providers, dialects, models, endpoints. Plugins meet here, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from .dialect import Dialect
from .endpoints import EndpointHandler
from .plugin import Gauge
from .provider import Provider
from .wirevalues import ModelInfo


class Registry:
    """Built once at start, read-only after it.

    ``providers``: the configured instances by name; ``provider_of`` gives one of them, or None. ``dialects``: wire formats by
    name. ``aliases``: names that plugins make askable. ``gauges``: what plugins offer to metrics. ``plugin_names``: active
    plugins, outermost first.
    """

    def __init__(
        self,
        *,
        dialects: Mapping[str, Dialect],
        provider_types: Mapping[str, type[Provider]],
        providers: Mapping[str, Provider],
        endpoints: Mapping[tuple[str, str], EndpointHandler],
        aliases: Sequence[str],
        gauges: Sequence[Gauge],
        plugin_names: Sequence[str],
        claims: frozenset[str],
    ) -> None:
        self.dialects = MappingProxyType(dict(dialects))
        self.provider_types = MappingProxyType(dict(provider_types))
        self.providers = MappingProxyType(dict(providers))
        self.provider_of: Callable[[str], Provider | None] = dict(providers).get  # for every request: no proxy between
        self.endpoints = MappingProxyType(dict(endpoints))
        self.aliases = tuple(aliases)
        self.gauges = tuple(gauges)
        self.plugin_names = tuple(plugin_names)
        self.claims = claims

    def models(self) -> tuple[ModelInfo, ...]:
        """Everything a client can ask for by name: aliases first, then ``provider/model`` of each known model."""
        found = {alias: ModelInfo(alias, "llmgate") for alias in self.aliases}
        for provider in self.providers.values():
            for model in provider.models:
                found.setdefault(f"{provider.name}/{model}", ModelInfo(f"{provider.name}/{model}", provider.name))
        return tuple(found.values())
