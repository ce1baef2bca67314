"""Hooks: the compiled chain against pluggy's own call, for some plugins that do nothing. Run this file (it is for pyperf)."""

from __future__ import annotations

from typing import Any

import pluggy
import pyperf  # type: ignore[import-untyped]  # it ships no types

from llmgate_core.chains import Chain, Implementation, compile_hook
from llmgate_core.hookspecs import PROJECT, HookSpecs

HOOK = "llmgate_pre_request"
impl = pluggy.HookimplMarker(PROJECT)


class Plain:
    """A plugin whose hook is `def`."""

    @impl
    def llmgate_pre_request(self, exchange: Any) -> None:
        """Nothing."""


class Async:
    """A plugin whose hook is `async def`."""

    @impl
    async def llmgate_pre_request(self, exchange: Any) -> None:
        """Nothing."""


def manager(kind: type, count: int) -> pluggy.PluginManager:
    """pluggy with so many plugins."""
    made = pluggy.PluginManager(PROJECT)
    made.add_hookspecs(HookSpecs)
    for _ in range(count):
        made.register(kind())
    return made


def compiled(kind: type, count: int) -> Chain:
    """The chain that the gateway would make of them."""

    def blame(plugin: str, hook: str, error: BaseException) -> None:
        raise error

    found = [Implementation(str(number), getattr(kind(), HOOK), ("exchange",)) for number in range(count)]
    hook = compile_hook(HOOK, found, blame)
    if hook is None:
        raise SystemExit("a chain of plugins was compiled to nothing")
    return hook.call


async def await_all(pm: pluggy.PluginManager) -> None:
    """What a caller of `pm.hook` has to do with coroutines; that `firstresult` cannot work is left aside."""
    for waiting in pm.subset_hook_caller(HOOK, ())(exchange=None):
        await waiting


def main() -> None:
    """Three sizes, both kinds, both ways."""
    runner = pyperf.Runner()
    for count in (1, 5, 11):
        runner.bench_func(f"compiled, {count} plugins", compiled(Plain, count), None)
        plain = manager(Plain, count)
        runner.bench_func(f"pm.hook, {count} plugins", lambda pm=plain: pm.hook.llmgate_pre_request(exchange=None))
        runner.bench_async_func(f"compiled, {count} async plugins", compiled(Async, count), None)
        runner.bench_async_func(f"pm.hook, {count} async plugins", await_all, manager(Async, count))


if __name__ == "__main__":
    main()
