"""Which names may become label values: those an operator wrote, never those a client made up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmgate_core.registry import Registry

OTHER: Final = "other"
NONE: Final = "none"


class KnownNames:
    """The names of one gateway's configuration.

    ``targets`` are ``provider/model`` texts out of plugins' configs, ``models`` names to show whoever has them.
    """

    def __init__(self, registry: Registry | None, targets: Iterable[str] = (), models: Iterable[str] = ()) -> None:
        providers = registry.providers if registry is not None else {}
        self._everywhere = frozenset(models)
        self._models = {name: set(provider.models) for name, provider in providers.items()}
        for target in targets:
            provider, _, model = target.partition("/")
            if provider in self._models and model:
                self._models[provider].add(model)
        self._aliases = frozenset(registry.aliases if registry is not None else ())

    def provider(self, name: str) -> str:
        """A provider's name as label."""
        return name if name in self._models else OTHER

    def model(self, provider: str, model: str) -> str:
        """The name a model has at ``provider``, as label."""
        return model if model in self._everywhere or model in self._models.get(provider, ()) else OTHER

    def asked(self, name: str) -> str:
        """The name a client asked for, as label, when no provider was tried."""
        if not name:
            return NONE
        if name in self._aliases or name in self._everywhere or any(name in own for own in self._models.values()):
            return name
        provider, _, model = name.partition("/")
        return self.model(provider, model)
