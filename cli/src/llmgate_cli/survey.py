"""What is installed: each plugin with its hooks, or with the reason why it cannot run. Nothing a plugin does ends the look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from .order import DEFAULT_ORDER

if TYPE_CHECKING:
    from llmgate_core.config import Config
    from llmgate_core.plugins import Found, Loaded


@frozen
class Status:
    """One installed plugin. ``problem`` says why it cannot run; ``loaded`` is there when it can and is enabled."""

    found: Found
    enabled: bool
    hooks: tuple[str, ...] = ()
    problem: str = ""
    loaded: Loaded | None = None

    @property
    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.found.name,
            "version": self.found.version,
            "distribution": self.found.distribution,
            "enabled": self.enabled,
            "hooks": list(self.hooks),
            "problem": self.problem or None,
        }


def survey(config: Config, only: str | None = None) -> list[Status]:
    """Every installed plugin by name (or those named ``only``). What is disabled is not imported."""
    from llmgate_core.plugins import arrange, discover

    everything = discover()
    enabled, mistakes = arrange(config, everything, DEFAULT_ORDER)
    statuses = []
    for one in everything:
        if only in {None, one.name}:
            twice = next((str(mistake) for mistake in mistakes if mistake.path == f"plugin {one.name!r}"), "")
            is_on = any(other.name == one.name for other in enabled)
            statuses.append(_look(one, config, twice) if is_on else Status(one, enabled=False, problem=twice))
    return statuses


def _look(one: Found, config: Config, problem: str) -> Status:
    from llmgate_core.plugins import load
    from llmgate_core.strict import MistakesFound

    try:
        loaded = load(one, config)
    except MistakesFound as error:
        return Status(one, enabled=True, problem=problem or "; ".join(map(str, error.mistakes)))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's code: whatever it raises is the answer
        return Status(one, enabled=True, problem=f"could not be loaded: {type(error).__name__}: {error}")
    return Status(one, enabled=True, hooks=hooks_of(type(loaded.instance)), problem=problem, loaded=loaded)


def hooks_of(cls: Any) -> tuple[str, ...]:
    """The hooks that a plugin's class implements, in the order of life."""
    from llmgate_core.hookspecs import kinds

    return tuple(name for name in kinds() if hasattr(cls, name))
