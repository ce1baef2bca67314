"""The compiled hooks of one gateway: pluggy's registration in, one callable per phase out."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pluggy

from .chains import Chain, CompiledHook, Implementation, compile_hook
from .hookspecs import PROJECT, HookSpecs, kinds
from .plugins import Loaded

logger = logging.getLogger("llmgate")


class _Manager(pluggy.PluginManager):
    """pluggy, but a method needs no decorator: its name says that it is a hook."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """The options of ``@hookimpl`` when it was used, defaults for any other method named like a hook."""
        if name.startswith("__"):  # most of what a class has: no look at those saves milliseconds at each start
            return None
        marked = super().parse_hookimpl_opts(plugin, name)
        if marked is not None or name not in kinds() or not callable(getattr(plugin, name)):
            return marked
        return pluggy.HookimplOpts(
            wrapper=False, hookwrapper=False, optionalhook=False, tryfirst=False, trylast=False, specname=None
        )


class Hooks:
    """``hooks.pre_request`` and so on: a :class:`CompiledHook` for each hook of the way, or None.

    ``errors`` counts what OBSERVE hooks raised, by (plugin, hook). ``waits`` are the names of those hooks that are async.
    """

    def __init__(self, plugins: Sequence[Loaded]) -> None:
        self.errors: Counter[tuple[str, str]] = Counter()
        manager = _Manager(PROJECT)
        manager.add_hookspecs(HookSpecs)
        for plugin in plugins:
            manager.register(plugin.instance, plugin.name)
            _quicken(plugin.instance)
        names = [plugin.name for plugin in plugins]
        self.found: dict[str, list[Implementation]] = {name: _found(manager, name, names) for name in kinds()}
        self.compiled: dict[str, CompiledHook | None] = {
            name: compile_hook(name, self.found[name], self._blame)
            for name, kind in kinds().items()
            if kind.kind in {"CHAIN", "FIRST", "OBSERVE"}
        }
        self.waits = frozenset(name for name, hook in self.compiled.items() if hook is not None and hook.is_async)
        self.pre_request = self.compiled["llmgate_pre_request"]
        self.select_provider = self.compiled["llmgate_select_provider"]
        self.select_key = self.compiled["llmgate_select_key"]
        self.transform_request = self.compiled["llmgate_transform_request"]
        self.transform_response = self.compiled["llmgate_transform_response"]
        self.transform_event = self.compiled["llmgate_transform_event"]
        self.on_error = self.compiled["llmgate_on_error"]
        self.attempt_done = self.compiled["llmgate_attempt_done"]
        self.post_response = self.compiled["llmgate_post_response"]

    def _blame(self, plugin: str, hook: str, error: BaseException) -> None:
        self.errors[plugin, hook] += 1
        if not isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            logger.error("plugin %r failed in %s; the request is not affected", plugin, hook, exc_info=error)


def _quicken(instance: Any) -> None:
    """Give a plugin's attributes a dict that is all its own.

    pluggy looks a plugin through with ``dir()``, which makes a dict for its attributes that shares its keys with the class.
    CPython 3.11 reads an attribute out of such a dict at ten times the price of any other.
    """
    attributes = getattr(instance, "__dict__", None)
    if type(attributes) is dict:
        object.__setattr__(instance, "__dict__", {**attributes})


def _found(manager: pluggy.PluginManager, hook: str, names: Sequence[str]) -> list[Implementation]:
    """The implementations of one hook, outermost plugin first."""
    implementations = getattr(manager.hook, hook).get_hookimpls()
    found = [
        Implementation(
            plugin=one.plugin_name,
            function=one.function,
            arguments=(*one.argnames, *one.kwargnames),
            rank=-1 if one.tryfirst else 1 if one.trylast else 0,
        )
        for one in implementations
    ]
    return sorted(found, key=lambda one: names.index(one.plugin))


async def run(hook: CompiledHook, *arguments: Any) -> Any:
    """Call a compiled hook, awaiting it when it must be."""
    result = hook.call(*arguments)
    return await result if hook.is_async else result


def called(hook: CompiledHook | None) -> Chain | None:
    """What is to be called of a hook, for whoever knows that it is not async."""
    return None if hook is None else hook.call
