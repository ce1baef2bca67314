"""The state of every key: which rest, which are retired, until when, and for which model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define

from llmgate_core import Key

from .config import KeyRotationConfig

KeyId = tuple[str, bytes]
EVERY_MODEL: Final = ""
# A sleep may end a little early by the other clock.
TOLERANCE: Final = 0.05
MOST_DOUBLINGS: Final = 30


def key_id(provider: str, key: Key) -> KeyId:
    """What tells keys apart: names may be given twice, values are not for keeping."""
    return provider, key.secret.digest


@define
class _Pause:
    """``until`` is when the key may be used again; ``failures`` how often in a row it had to pause."""

    until: float
    retired: bool
    failures: int = 1


class Ring:
    """Pauses by key and model. A key without an entry has never failed, or works again.

    ``pauses`` stays the same object: as long as it is empty, every key may be used.
    """

    def __init__(self, config: KeyRotationConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self.pauses: dict[KeyId, dict[str, _Pause]] = {}
        self._tidy_at = -math.inf

    def awake(self, provider: str, keys: Sequence[Key], model: str) -> Sequence[Key]:
        """Those of ``keys`` that may be used for ``model`` now."""
        if not self.pauses:
            return keys
        now = self._clock()
        if now >= self._tidy_at:
            self._tidy(now)
        now += TOLERANCE
        return [key for key in keys if self._until(key_id(provider, key), model) <= now]

    def wakes_in(self, provider: str, keys: Sequence[Key], model: str) -> float:
        """Seconds until the first of ``keys`` may be used."""
        return max(0.0, min(self._until(key_id(provider, key), model) for key in keys) - self._clock())

    def rest(self, provider: str, key: Key, model: str, asked: float | None) -> None:
        """The key hit a limit: it rests as long as the provider asks, or longer each time when it does not say."""
        now = self._clock()
        pauses = self._fresh_pauses(key_id(provider, key), now)
        scope = model if self._config.scope == "model" else EVERY_MODEL
        pause = pauses.get(scope)
        if pause is not None and pause.until > now:
            # one of several requests that hit the limit together: not a failure in a row
            pause.until = max(pause.until, now + (asked or 0.0))
            return
        failures = pause.failures + 1 if pause is not None else 1
        growing = min(self._config.max_cool_down, self._config.cool_down * 2.0 ** min(failures - 1, MOST_DOUBLINGS))
        pauses[scope] = _Pause(now + (growing if asked is None else asked), retired=False, failures=failures)

    def retire(self, provider: str, key: Key, model: str) -> bool:
        """The key was refused, for one model or for all (``""``). True when it was in use until now."""
        now = self._clock()
        pauses = self._fresh_pauses(key_id(provider, key), now)
        pause = pauses.get(model)
        pauses[model] = _Pause(now + self._config.retire_seconds, retired=True)
        return pause is None or not pause.retired or pause.until <= now

    def worked(self, provider: str, key: Key, model: str) -> None:
        """Forget what is over. A pause that runs goes on: the answer may belong to a request from before it."""
        pauses = self.pauses.get(key_id(provider, key)) if self.pauses else None
        if not pauses:
            return
        now = self._clock()
        for scope in (EVERY_MODEL, model):
            if scope in pauses and pauses[scope].until <= now:
                del pauses[scope]
        if not pauses:
            del self.pauses[key_id(provider, key)]

    def state(self, provider: str, key: Key) -> str:
        """``retired`` or ``resting`` when it is so for any model, else ``active``."""
        now = self._clock()
        running = [pause for pause in self.pauses.get(key_id(provider, key), {}).values() if pause.until > now]
        return "retired" if any(pause.retired for pause in running) else "resting" if running else "active"

    def _until(self, key: KeyId, model: str) -> float:
        pauses = self.pauses.get(key)
        if not pauses:
            return 0.0
        return max((pauses[scope].until for scope in (EVERY_MODEL, model) if scope in pauses), default=0.0)

    def _tidy(self, now: float) -> None:
        """Forget what is long over also of keys and models that nobody asks for any more: it would slow every request."""
        self._tidy_at = now + self._config.max_cool_down
        for key in tuple(self.pauses):
            if not self._fresh_pauses(key, now):
                del self.pauses[key]

    def _fresh_pauses(self, key: KeyId, now: float) -> dict[str, _Pause]:
        """The key's pauses without those long over: names of models come from clients, and must not pile up."""
        kept = self.pauses.get(key, {})
        oldest = now - self._config.max_cool_down
        self.pauses[key] = {scope: pause for scope, pause in kept.items() if pause.until > oldest}
        return self.pauses[key]
