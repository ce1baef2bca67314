"""Moves on to other targets when one fails: appends them to the plan, and says after which errors to go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from llmgate_core import Exchange, Next, Plugin, Provider, Target

from .config import FallbackConfig, Rules
from .wishes import read_wishes

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

__all__ = ("FallbackConfig", "FallbackPlugin")

_MOST_KNOWN: Final = 1024
Plan = tuple[Target, ...]


class FallbackPlugin(Plugin):
    """Claims the body's ``fallbacks``. A request's own list stands instead of the configured ones."""

    config_class = FallbackConfig
    claims = ("fallbacks",)

    def __init__(self, config: FallbackConfig | None = None) -> None:
        settings = config or FallbackConfig()
        super().__init__(settings)
        self._chains = {name: tuple(map(Target.parse, chain)) for name, chain in settings.models.items()}
        self._default = tuple(map(Target.parse, settings.default))
        self._max_targets = settings.max_targets
        self._configured = bool(self._chains or self._default)
        self._known: dict[str, tuple[Plan, Plan | None]] = {}
        self._rules = Rules.of(settings)
        self._providers: Mapping[str, Provider] = {}

    def targets_of(self) -> Mapping[str, Sequence[str]]:
        """Every target in the config, by the chain that names it."""
        chains = {f"plugins.fallback.models.{name}": chain for name, chain in self.config.models.items()}
        return {**chains, "plugins.fallback.default": self.config.default}

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Meet the providers. A chain for a model that nothing leads to ends the start: it is a typing error."""
        self._providers = gateway.registry.providers
        for path, targets in self.targets_of().items():
            for target in targets:
                if target.partition("/")[0] not in self._providers:
                    raise ValueError(f"{path}: {target!r} names no configured provider; add it under [providers]")
        for name in self._chains:
            self._check_name(name, gateway.registry.aliases)
        yield

    def _check_name(self, name: str, aliases: Iterable[str]) -> None:
        known = "/" in name and name.partition("/")[0] in self._providers
        if not known and name not in aliases and not any(p.serves(name) for p in self._providers.values()):
            raise ValueError(
                f"plugins.fallback.models.{name}: no request can be for {name!r}; a chain's name is 'provider/model', "
                "an alias, or a bare name that a provider serves"
            )

    def llmgate_select_provider(self, exchange: Exchange, targets: Plan) -> Plan | None:
        """The plan with its fallbacks behind it, each target once. Nothing to fall back from: nothing to append.

        Raises :class:`InvalidRequest` (``param``: fallbacks) for a list of the client's that is wrong.
        """
        # Every request comes by here: most name no fallbacks, and their plan is the very tuple that was there last time.
        extensions = exchange.extensions
        if extensions and extensions.get("fallbacks") is not None:
            own = read_wishes(extensions["fallbacks"], self._providers, self._max_targets)
            return _behind(targets, own)
        if not self._configured:
            return None
        name = exchange.request.model
        known = self._known.get(name)
        if known is not None and known[0] is targets:
            return known[1]
        return self._with_chains(name, targets)

    def _with_chains(self, name: str, targets: Plan) -> Plan | None:
        """Behind the plan: the chain of the name that was asked for, those of the planned targets, the default chain."""
        if not targets:
            return None
        found = list(self._chains.get(name, ()))
        for target in targets:
            found += self._chains.get(str(target), ())
        plan = _behind(targets, (*found, *self._default))
        if len(self._known) >= _MOST_KNOWN:  # clients make names up; what they cost stays bounded
            self._known.clear()
        self._known[name] = targets, plan
        return plan

    def llmgate_on_error(self, exchange: Exchange, error: Exception) -> Next | None:
        """Next() after an error that another target may not have, as long as there is another one."""
        if exchange.attempt.target == exchange.plan[-1] or not self._rules.moves_on(error):
            return None
        return Next()


def _behind(targets: Plan, more: Plan) -> Plan | None:
    """``targets`` with ``more`` behind them, each target once; None when one of them is empty."""
    if not (targets and more):
        return None
    plan: dict[tuple[str, str], Target] = {}
    for target in (*targets, *more):
        plan.setdefault((target.provider, target.model), target)
    return tuple(plan.values())
