"""Picks a key by weight, rests one that hit its limit, retires one that was refused, and tries the next at once."""

from __future__ import annotations

import logging
import random
import time
from bisect import bisect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from llmgate_core import Attempt, Exchange, Gauge, Key, Next, Plugin, Provider, Retry, Target
from llmgate_core.upstream_errors import AttemptClass, NoKeyAvailable, UpstreamRejected

from .choice import Lots, allowed_keys, draw
from .config import KeyRotationConfig
from .ring import KeyId, Ring, key_id

if TYPE_CHECKING:
    from llmgate_core.gateway import Gateway

__all__ = ("KeyRotationConfig", "KeyRotationPlugin")

STATE: Final = "key_rotation"
_MOST_LOTS: Final = 1024
STATES: Final = ("active", "resting", "retired")
logger: Final = logging.getLogger("llmgate.key_rotation")


class KeyRotationPlugin(Plugin):
    """Knows each key's state for one gateway. Names keys, never shows them."""

    config_class = KeyRotationConfig

    def __init__(
        self,
        config: KeyRotationConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] | None = None,
    ) -> None:
        self._settings = config or KeyRotationConfig()
        super().__init__(self._settings)
        self._rng = rng or random.Random().random
        self._ring = Ring(self._settings, clock)
        self._pauses = self._ring.pauses
        self._lots: dict[str, Lots] = {}
        self._lots_by_model: dict[tuple[str, str], Lots] = {}
        self._providers: Mapping[str, Provider] = {}

    @asynccontextmanager
    async def llmgate_lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """Learn which keys there are, for the gauge."""
        self._providers = gateway.registry.providers
        yield

    def llmgate_select_key(self, exchange: Exchange, target: Target) -> Key:
        """One of the keys that may be used for the model and do not rest, by weight; preferably not tried yet.

        Raises :class:`NoKeyAvailable`; ``retry_after`` says when the first key wakes, None when no key is for this model.
        """
        # Every request comes by here, nearly always with no key of anybody's resting and none tried: a look-up and a draw.
        attempts = exchange.attempts
        provider = attempts[-1].provider
        if self._pauses or len(attempts) > 1:
            return self._among_the_awake(exchange, provider, target.model)
        lots = self._lots.get(provider.name)
        if lots is None or lots.given is not provider.keys:
            lots = self._lots_for(provider, target.model)
        bounds = lots.bounds
        return lots.keys[bisect(bounds, self._rng())] if bounds else lots.keys[0]

    def _lots_for(self, provider: Provider, model: str) -> Lots:
        """The lots of all the provider's keys; where keys have patterns, those for the model. Laid out on first use."""
        place = provider.name, model
        known = self._lots_by_model.get(place)
        if known is not None and known.given is provider.keys:
            return known
        allowed = allowed_keys(provider, model)
        if not allowed:
            raise self._nothing(provider, allowed, model)
        lots = Lots.of(allowed, provider.keys)
        if allowed is provider.keys:
            self._lots[provider.name] = lots
            return lots
        if len(self._lots_by_model) >= _MOST_LOTS:  # clients make names of models up; what they cost stays bounded
            self._lots_by_model.clear()
        self._lots_by_model[place] = lots
        return lots

    def _among_the_awake(self, exchange: Exchange, provider: Provider, model: str) -> Key:
        allowed = allowed_keys(provider, model)
        awake = self._ring.awake(provider.name, allowed, model)
        if not awake:
            raise self._nothing(provider, allowed, model)
        tried = exchange.state.get(STATE)
        if tried:
            awake = [key for key in awake if key_id(provider.name, key) not in tried] or awake
        return draw(awake, self._rng)

    def _nothing(self, provider: Provider, allowed: Sequence[Key], model: str) -> NoKeyAvailable:
        if not allowed:
            return NoKeyAvailable(
                f"no key of provider {provider.name!r} is for model {model[:100]!r}; add one, or widen a key's models"
            )
        return NoKeyAvailable(
            f"every key of provider {provider.name!r} rests or is retired",
            retry_after=self._ring.wakes_in(provider.name, allowed, model),
        )

    def llmgate_on_error(self, exchange: Exchange, error: Exception) -> Retry | Next | None:
        """Retry(0) with another key after an error of this one; Next() when none is left and another target is."""
        if isinstance(error, NoKeyAvailable):
            return None if exchange.plan[-1] == exchange.attempt.target else Next()
        key = exchange.attempt.key
        if key is None or not isinstance(error, UpstreamRejected) or not self._note(exchange.attempt, key, error):
            return None
        return self._with_another(exchange, key, error)

    def _note(self, attempt: Attempt, key: Key, error: UpstreamRejected) -> bool:
        """Rest or retire the key; False when the error is not about the key."""
        name, model, status = attempt.provider.name, attempt.target.model, error.upstream_status
        # 401 is about the key, and so is money; 403 is often about one model, 429 by the configured scope.
        if status in {401, 402} or (status == 429 and error.kind == "quota"):
            retired = self._ring.retire(name, key, "")
        elif status == 403:
            retired = self._ring.retire(name, key, model)
        elif status == 429:
            self._ring.rest(name, key, model, error.retry_after)
            return True
        else:
            return False
        if retired:
            logger.warning(
                "key %r of provider %r is retired for %g s: the provider refused it with status %d",
                *(key.name, name, self._settings.retire_seconds, status),
            )
        return True

    def _with_another(self, exchange: Exchange, key: Key, error: UpstreamRejected) -> Retry | None:
        provider, model = exchange.attempt.provider, exchange.attempt.target.model
        tried: set[KeyId] = exchange.state.setdefault(STATE, set())
        tried.add(key_id(provider.name, key))
        allowed = allowed_keys(provider, model)
        awake = self._ring.awake(provider.name, allowed, model)
        if any(key_id(provider.name, one) not in tried for one in awake):
            return Retry(0.0)
        if error.upstream_status == 429:
            # For whoever waits, what counts is when the first of all keys wakes, not when this one does.
            error.retry_after = self._ring.wakes_in(provider.name, allowed, model)
        return None

    def llmgate_attempt_done(self, exchange: Exchange, attempt: Attempt) -> None:
        """A key that worked has no history."""
        if self._pauses and attempt.result is AttemptClass.OK and attempt.key is not None:
            self._ring.worked(attempt.provider.name, attempt.key, attempt.target.model)

    def gauges(self) -> Iterable[Gauge]:
        """Each key's state, by its name."""
        told = "1 for the state a key is in: active, resting after a limit, retired after a refusal"
        return (Gauge("llmgate_key_state", told, ("provider", "key", "state"), self._states),)

    def _states(self) -> Iterable[tuple[Sequence[str], float]]:
        # two keys of one name are one series: the worse state shows
        worst: dict[tuple[str, str], int] = {}
        for provider in self._providers.values():
            for key in provider.keys:
                place = provider.name, key.name
                worst[place] = max(worst.get(place, 0), STATES.index(self._ring.state(provider.name, key)))
        return [((*place, state), float(STATES[index] == state)) for place, index in worst.items() for state in STATES]
