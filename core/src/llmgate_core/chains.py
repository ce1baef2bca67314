"""Hooks, compiled: each hook's implementations become one straight function, made once at start.

pluggy finds, checks and orders; it is never called per request. The reasons stand in its source: a call builds a dict and a
list of arguments for every implementation, a first-result hook that is ``async`` always wins (a coroutine is not None), and
async wrappers are refused. So the text of a small function is written here, with the calls in order, arguments bound, awaits
only where an implementation is async, and compiled. A hook nobody implements becomes None, which costs a test.
"""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

from attrs import define, frozen

from .decisions import Key, Next, Retry
from .errors import GatewayError, PluginError
from .events import Event
from .hookspecs import HookKind, HookSpecs, kinds
from .request import Request
from .response import Response

Chain = Callable[..., Any]
_TYPES: Final[Mapping[str, tuple[type, ...]]] = types.MappingProxyType(
    {
        "Response": (Response,),
        "Request": (Request,),
        "Key": (Key,),
        "Retry": (Retry,),
        "Next": (Next,),
        "tuple": (tuple,),
        "event": get_args(Event),
    }
)


@frozen
class Implementation:
    """One plugin's method for one hook. ``rank``: -1 tryfirst, 0, 1 trylast."""

    plugin: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    rank: int = 0

    @property
    def is_async(self) -> bool:
        """Whether the call must be awaited."""
        return inspect.iscoroutinefunction(self.function)

    def call(self, **offered: Any) -> Any:
        """Call it with those of the hook's arguments that it takes (at start-up; requests use the compiled hook)."""
        return self.function(**{name: offered[name] for name in self.arguments})


@define
class CompiledHook:
    """``call`` takes the spec's arguments by position. ``is_async`` says whether to await it. ``plugins`` in running order."""

    name: str
    call: Chain
    is_async: bool
    plugins: tuple[str, ...]


Blame = Callable[[str, str, BaseException], None]
"""Told of every exception in an OBSERVE hook: plugin, hook, exception."""


def in_running_order(found: Sequence[Implementation], kind: HookKind) -> list[Implementation]:
    """``found`` comes outermost first; hooks of the way back run in reverse. tryfirst and trylast hold in both."""
    ordered = list(reversed(found)) if kind.way_back else list(found)
    return sorted(ordered, key=lambda implementation: implementation.rank)


def compile_hook(name: str, found: Sequence[Implementation], blame: Blame) -> CompiledHook | None:
    """One hook's implementations (outermost first) as one function; None when there are none."""
    if not found:
        return None
    kind = kinds()[name]
    ordered = in_running_order(found, kind)
    arguments = list(inspect.signature(getattr(HookSpecs, name)).parameters)[1:]
    is_async = any(implementation.is_async for implementation in ordered)
    lines = [f"{'async ' if is_async else ''}def {name}({', '.join(arguments)}):"]
    lines += _observers(ordered) if kind.kind == "OBSERVE" else _steps(ordered, kind)
    plugins = tuple(implementation.plugin for implementation in ordered)
    allowed = tuple(cls for word in kind.may_return for cls in _TYPES[word])
    space: dict[str, Any] = {
        **{f"call_{number}": implementation.function for number, implementation in enumerate(ordered)},
        "meant": (GatewayError, asyncio.CancelledError, GeneratorExit),
        "failed": lambda number, error: PluginError(plugins[number], name, type(error).__name__),
        "wrong": lambda number, value: _wrong(plugins[number], name, value, kind.may_return),
        "blame": lambda number, error: blame(plugins[number], name, error),
        "allowed": allowed,
        "is_a": isinstance,
        "BaseException": BaseException,
    }
    exec(compile("\n".join(lines), f"<compiled {name}>", "exec"), space)  # noqa: S102  # our own text, no input in it
    return CompiledHook(name, space[name], is_async, plugins)


def _call(number: int, implementation: Implementation) -> str:
    await_ = "await " if implementation.is_async else ""
    return f"{await_}call_{number}({', '.join(implementation.arguments)})"


def _steps(ordered: Sequence[Implementation], kind: HookKind) -> list[str]:
    """CHAIN and FIRST: a threaded argument is handed on; without one, the first answer ends it."""
    lines = ["    at = 0", "    try:"]
    for number, implementation in enumerate(ordered):
        lines += [
            f"        at = {number}",
            f"        value = {_call(number, implementation)}",
            "        if value is not None:",
            "            if not is_a(value, allowed): raise wrong(at, value)",
            f"            {f'{kind.threads} = value' if kind.threads else 'return value'}",
        ]
    lines += ["    except meant:", "        raise"]
    lines += ["    except BaseException as error:", "        raise failed(at, error) from error"]
    lines.append(f"    return {kind.threads or 'None'}")
    return lines


def _observers(ordered: Sequence[Implementation]) -> list[str]:
    """All run, whatever one does; a cancellation that hits one is recorded like any exception and has done its work."""
    lines = []
    for number, implementation in enumerate(ordered):
        lines += [
            "    try:",
            f"        {_call(number, implementation)}",
            "    except BaseException as error:",
            f"        blame({number}, error)",
        ]
    return lines


def _wrong(plugin: str, hook: str, value: object, allowed: Sequence[str]) -> PluginError:
    if inspect.iscoroutine(value):
        value.close()
        return PluginError(plugin, hook, "it returned a coroutine; declare the method async def")
    return PluginError(plugin, hook, f"it returned a {type(value).__name__}, not None or {' or '.join(allowed)}")
