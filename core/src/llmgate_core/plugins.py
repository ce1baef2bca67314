"""Loading plugins: find the installed ones, import only what is enabled, check, configure, build.

    discover()      entry points of the group ``llmgate``, not imported
    arrange()       the config's order and switches ⇒ which, outermost first
    load()          import · check HOOK_API and hooks · structure the config · build the instance

Every mistake names the plugin, its distribution and version, the cause and the cure; all are reported at once.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from .config import Config, ConfigError
from .decisions import EMPTY
from .hookspecs import HOOK_API, HookSpecs, kinds
from .strict import Mistake, MistakesFound, structure

GROUP: Final = "llmgate"
_PLAIN: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


@frozen
class Found:
    """An installed plugin, not imported yet. ``load`` gives its class."""

    name: str
    distribution: str
    version: str
    load: Callable[[], Any]

    @property
    def origin(self) -> str:
        """``distribution version``, for messages."""
        return f"{self.distribution} {self.version}"

    @classmethod
    def of(cls, plugin: Any, name: str) -> Found:
        """A plugin class that is at hand already (tests, embedding)."""
        return cls(name, plugin.__module__, "0", lambda: plugin)


@frozen
class Loaded:
    """A plugin that runs: its class checked, its config structured, its instance built."""

    name: str
    distribution: str
    version: str
    instance: Any


def discover() -> tuple[Found, ...]:
    """Every installed plugin, by name. Two of one name are both in it: :func:`arrange` objects."""
    found = []
    for entry in importlib.metadata.entry_points(group=GROUP):
        about = (
            entry.dist.metadata if entry.dist else {"Name": "unknown", "Version": "0"}
        )  # read once: it is parsed anew each time
        found.append(Found(entry.name, about["Name"], about["Version"], entry.load))
    return tuple(sorted(found, key=lambda one: one.name))


def arrange(config: Config, found: Sequence[Found], default_order: Sequence[str]) -> tuple[list[Found], list[Mistake]]:
    """The enabled plugins, outermost first, and what is wrong with the names in the config."""
    by_name: dict[str, Found] = {}
    mistakes: list[Mistake] = []
    for one in found:
        other = by_name.setdefault(one.name, one)
        if other is not one and other.origin != one.origin:
            mistakes.append(
                Mistake(
                    f"plugin {one.name!r}",
                    f"is given by two distributions, {other.origin} and {one.origin}",
                    f"pip uninstall one of them, or disable both with [gateway] disable = [{one.name!r}]",
                )
            )
    disabled = set(config.gateway.disable)
    mistakes = [mistake for mistake in mistakes if mistake.path not in {f"plugin {name!r}" for name in disabled}]
    wanted = config.gateway.plugins
    listed = list(default_order if wanted is None else wanted)
    mistakes += _unknown("gateway.plugins", [n for n in wanted or () if n != "*"], by_name)
    mistakes += [m for m in _unknown("gateway.disable", config.gateway.disable, by_name) if "did you mean" in m.hint]
    mistakes += _unknown("plugins", config.plugins, by_name)
    rest = [name for name in by_name if name not in listed]
    order = [name for word in listed for name in (rest if word == "*" else [word])]
    if wanted is None and "*" not in listed:
        order += rest
    return [by_name[name] for name in dict.fromkeys(order) if name in by_name and name not in disabled], mistakes


def _unknown(path: str, names: Any, by_name: Mapping[str, Found]) -> list[Mistake]:
    mistakes = []
    for name in names:
        if name not in by_name:
            close = difflib.get_close_matches(name, by_name, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"pip install llmgate-{name.replace('_', '-')}"
            mistakes.append(Mistake(f"{path}.{name}", f"no plugin {name!r} is installed", hint))
    return mistakes


def load(one: Found, config: Config) -> Loaded:
    """One plugin, ready. Raises :class:`MistakesFound`."""
    try:
        cls = one.load()
    except (Exception, SystemExit) as error:
        raise MistakesFound([_import_failed(one, error)]) from error
    mistakes = check_class(one, cls)
    if mistakes:
        raise MistakesFound(mistakes)
    try:
        return Loaded(one.name, one.distribution, one.version, _build(one, cls, config))
    except MistakesFound as found:
        found.about = cls
        raise


def _build(one: Found, cls: Any, config: Config) -> Any:
    section = config.plugins.get(one.name, EMPTY)
    config_class = getattr(cls, "config_class", None)
    if config_class is None and section:
        raise MistakesFound([Mistake(f"plugins.{one.name}", "this plugin has no options", "remove the section")])
    try:
        return cls() if config_class is None else cls(structure(dict(section), config_class, f"plugins.{one.name}"))
    except MistakesFound:
        raise
    except Exception as error:
        reason = f"could not be built: {str(error) or type(error).__name__}"
        raise MistakesFound([Mistake(f"plugins.{one.name}", reason, f"see the README of {one.origin}")]) from error


def start_failed(plugin: str, hook: str, error: Exception, config: Config) -> ConfigError:
    """The end of a start that a plugin's hook made impossible."""
    reason = f"failed in {hook}: {str(error) or type(error).__name__}"
    cure = f'mend it, or disable it with [gateway] disable = ["{plugin}"]'
    return ConfigError([Mistake(f"plugin {plugin!r}", reason, cure)], config.file)


def _import_failed(one: Found, error: BaseException) -> Mistake:
    return Mistake(
        f"plugin {one.name!r} ({one.origin})",
        f"could not be imported: {str(error) or type(error).__name__}",
        f'disable it with [gateway] disable = ["{one.name}"], or: pip install -U {one.distribution}',
    )


def check_class(one: Found, cls: Any) -> list[Mistake]:
    """What is wrong with a plugin's class: its HOOK_API, names of hooks, their arguments."""
    who = f"plugin {one.name!r} ({one.origin})"
    if not inspect.isclass(cls):
        return [
            Mistake(who, f"its entry point is a {type(cls).__name__}, not a class", "point it at the plugin's class")
        ]
    wanted = getattr(cls, "hook_api", HOOK_API)
    if type(wanted) is not int:
        return [Mistake(who, f"its hook_api is {wanted!r}, not a whole number", f"set hook_api = {HOOK_API}")]
    if wanted != HOOK_API:
        cure = f"pip install -U {one.distribution if wanted < HOOK_API else 'llmgate-core'}"
        return [Mistake(who, f"is written for HOOK_API {wanted}, this llmgate has {HOOK_API}", cure)]
    mistakes = []
    known = kinds()
    for name in sorted(dir(cls)):
        if not name.startswith("llmgate_"):
            continue
        if name in known:
            mistakes += _check_method(who, name, getattr(cls, name))
        else:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "see: llmgate hooks"
            mistakes.append(Mistake(who, f"unknown hook {name!r}", hint))
    return mistakes


def _check_method(who: str, name: str, method: Any) -> list[Mistake]:
    if not callable(method):
        return [Mistake(who, f"{name} is a {type(method).__name__}, not a method", "make it a method")]
    known = list(inspect.signature(getattr(HookSpecs, name)).parameters)[1:]
    given = list(inspect.signature(method).parameters.values())[1:]
    unknown = [argument.name for argument in given if argument.name not in known]
    if unknown:
        told = f"{name} takes {', '.join(known)}, not {', '.join(unknown)}"
        return [Mistake(who, told, "leave out what you do not need, but keep the names")]
    if any(argument.kind not in _PLAIN for argument in given):
        return [Mistake(who, f"{name} has arguments by name only", "take them by position: leave out the '*'")]
    if kinds()[name].kind == "START" and inspect.iscoroutinefunction(method):
        return [Mistake(who, f"{name} is async def, but runs before there is an event loop", "make it def")]
    opts = getattr(method, "llmgate_impl", None) or {}
    if opts.get("wrapper") or opts.get("hookwrapper"):
        return [
            Mistake(who, f"{name} is a hook wrapper, which llmgate does not run", "use two hooks, or the plugins order")
        ]
    return []
