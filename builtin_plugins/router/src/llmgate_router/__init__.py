"""Finds where a request goes: ``provider/model``, an alias from the config, or a bare name that a provider serves."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from llmgate_core import Exchange, Plugin, Provider, Target

from .aliases import AliasConfig, Aliases, RouterConfig, WeightedTarget

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

__all__ = ("AliasConfig", "RouterConfig", "RouterPlugin", "WeightedTarget")

# A client's word that goes on to a provider unseen. What the config lists may look otherwise.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_.:/@+=,~-]{1,256}", re.ASCII)
_MOST_KNOWN: Final = 1024
_DOTS_ONLY: Final = frozenset({".", ".."})


class RouterPlugin(Plugin):
    """Seeds the plan. Leaves it alone when a plugin before it has made one."""

    config_class = RouterConfig

    def __init__(self, config: RouterConfig | None = None, rng: Callable[[], float] | None = None) -> None:
        super().__init__(config or RouterConfig())
        self._aliases = Aliases(self.config.models, rng or random.Random().random)
        self._providers: Mapping[str, Provider] = {}
        self._known = dict(self._aliases.fixed)

    def model_names(self) -> Iterable[str]:
        """The aliases."""
        return tuple(self.config.models)

    def targets_of(self) -> Mapping[str, Sequence[str]]:
        """Every ``provider/model`` in the config, by its alias."""
        return self._aliases.targets_of()

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Meet the providers. An alias that could never be reached, or leads nowhere, ends the start."""
        self._providers = gateway.registry.providers
        self._aliases.check(self._providers)
        yield

    def llmgate_select_provider(self, exchange: Exchange, targets: tuple[Target, ...]) -> tuple[Target, ...] | None:
        """The plan for the model's name; None when nobody has it."""
        if targets:
            return None
        name = exchange.request.model
        return self._known.get(name) or self._find(name)

    def _find(self, name: str) -> tuple[Target, ...] | None:
        """The plan of an alias that is drawn each time, or of a name not seen before, which is then known."""
        plan = self._aliases.plan(name)
        if plan is not None:
            return plan
        plan = self._direct(name) or self._bare(name)
        if plan is not None:
            if len(self._known) >= _MOST_KNOWN + len(self._aliases.fixed):
                # clients make names up; what they cost stays bounded
                self._known = dict(self._aliases.fixed)
            self._known[name] = plan
        return plan

    def _direct(self, name: str) -> tuple[Target, ...] | None:
        provider_name, _, model = name.partition("/")
        provider = self._providers.get(provider_name)
        if provider is None or not model or not (model in provider.models or is_plain(model)):
            return None
        return (Target(provider_name, model),)

    def _bare(self, name: str) -> tuple[Target, ...] | None:
        """The first provider, in the config's order, that says the name is its own."""
        for provider in self._providers.values():
            if provider.serves(name) and (name in provider.models or is_plain(name)):
                return (Target(provider.name, name),)
        return None


def is_plain(model: str) -> bool:
    """Whether a model's name that only the client vouches for is made of harmless characters and has no ``..`` in it."""
    return _PLAIN_NAME.fullmatch(model) is not None and _DOTS_ONLY.isdisjoint(model.split("/"))
