"""Compiled hooks: order, kinds, failures, argument subsets, sync and async."""

from __future__ import annotations

import asyncio
import dis
import inspect
import logging
from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

from llmgate_core import Key, Next, Response, Retry, Secret, Target, hookimpl
from llmgate_core.chains import CompiledHook
from llmgate_core.errors import GatewayError, PluginError, RateLimited
from llmgate_core.events import Ping, Start
from llmgate_core.hooks import Hooks
from llmgate_core.hookspecs import kinds
from llmgate_core.plugins import Loaded
from llmgate_core.testing.exchanges import make_exchange

A, B = Target("a", "m"), Target("b", "m")


@pytest.fixture
def hooks(plugin: Any) -> Callable[..., Hooks]:
    """Hooks of plugins named ``a``, ``b``, … that implement one hook each."""

    def make(hook: str, *functions: Any) -> Hooks:
        made = [plugin(**{f"llmgate_{hook}": function} if function else {})() for function in functions]
        return Hooks([Loaded("abcdefgh"[number], "x", "1", one) for number, one in enumerate(made)])

    return make


async def called(hook: CompiledHook | None, *arguments: Any) -> Any:
    """What a compiled hook gives, awaited when it must be."""
    assert hook is not None
    result = hook.call(*arguments)
    assert inspect.isawaitable(result) == hook.is_async
    return await result if hook.is_async else result


def append(word: str) -> Any:
    """A sync hook that adds a target to the plan."""
    return lambda self, targets: (*targets, Target(word, "m"))


def later(word: str) -> Any:
    """The same, async."""

    async def hook(self: Any, targets: Any) -> Any:
        await asyncio.sleep(0)
        return (*targets, Target(word, "m"))

    return hook


def plan(targets: Any) -> str:
    """The providers of a plan in one word."""
    return "".join(target.provider for target in targets)


@pytest.mark.parametrize("name", [name for name, kind in kinds().items() if kind.kind in {"CHAIN", "FIRST", "OBSERVE"}])
def test_empty_phase_is_none(hooks: Any, name: str) -> None:
    """A hook nobody implements costs a test for None."""
    made = hooks("pre_request", None)
    assert made.compiled[name] is None
    assert getattr(made, name.removeprefix("llmgate_")) is None


@pytest.mark.parametrize(
    ("functions", "is_async"),
    [((append("x"), append("y")), False), ((append("x"), later("y")), True), ((later("x"), append("y")), True)],
)
async def test_chain_hands_on(hooks: Any, functions: Any, *, is_async: bool) -> None:
    """Each sees its predecessor's value; one async implementation makes the phase async, none leaves it sync."""
    hook = hooks("select_provider", *functions).select_provider
    assert hook.is_async is is_async
    assert plan(await called(hook, None, ())) == "xy"


async def test_chain_none_leaves_the_value(hooks: Any) -> None:
    """Who returns None changes nothing."""
    hook = hooks("select_provider", append("x"), lambda self: None, append("y")).select_provider
    assert plan(await called(hook, None, (A,))) == "axy"


@pytest.mark.parametrize(
    "function",
    [
        lambda self: (B,),
        lambda self, targets: (B,),
        lambda self, exchange: (B,),
        lambda self, exchange, targets: (B,),
        lambda self, targets, exchange: (B,) if targets == (A,) and exchange == "exchange" else None,
        lambda self, targets=None, exchange=None: (B,) if targets == (A,) and exchange == "exchange" else None,
        lambda self, targets, exchange="none": (B,) if targets == (A,) and exchange == "exchange" else None,
    ],
)
async def test_any_subset_and_order_of_arguments(hooks: Any, function: Any) -> None:
    """An implementation takes the arguments it needs, by name, in its own order, with or without defaults."""
    assert await called(hooks("select_provider", function).select_provider, "exchange", (A,)) == (B,)


async def test_answer_ends_a_chain_that_hands_nothing_on(hooks: Any) -> None:
    """The first answer of pre_request is the answer; those behind are not asked."""
    asked: list[str] = []
    answer = Response(200, b"{}")

    def last(self: Any) -> None:
        asked.append("last")

    hook = hooks("pre_request", lambda self: None, lambda self: answer, last).pre_request
    assert await called(hook, None) is answer
    assert asked == []


async def test_first_answer_wins(hooks: Any) -> None:
    """The first that is not None is taken, also from behind an async one that has none."""

    async def nothing(self: Any) -> None:
        return None

    one, two = Key(Secret("1"), "one"), Key(Secret("2"), "two")
    hook = hooks("select_key", nothing, lambda self: one, lambda self: two).select_key
    assert await called(hook, None, A) is one


@pytest.mark.parametrize("name", [name for name, kind in kinds().items() if kind.kind in {"CHAIN", "FIRST", "OBSERVE"}])
async def test_order_of_the_list_and_back(hooks: Any, name: str) -> None:
    """Phases of the way in run in the list's order, those of the way back in reverse."""
    order: list[str] = []

    def note(word: str) -> Any:
        return lambda self: order.append(word)

    hook = hooks(name.removeprefix("llmgate_"), note("a"), note("b"), note("c")).compiled[name]
    count = len(inspect.signature(hook.call).parameters)
    await called(hook, *[None] * count)
    assert order == (["c", "b", "a"] if kinds()[name].way_back else ["a", "b", "c"])
    assert hook.plugins == tuple(order)


@pytest.mark.parametrize(("name", "order"), [("pre_request", "daceb"), ("post_response", "decab")])
async def test_tryfirst_and_trylast(hooks: Any, name: str, order: str) -> None:
    """The marks hold on both ways; among equals the list decides."""
    ran: list[str] = []

    def note(word: str, *, tryfirst: bool = False, trylast: bool = False) -> Any:
        def hook(self: Any) -> None:
            ran.append(word)

        return hookimpl(tryfirst=tryfirst, trylast=trylast)(hook) if tryfirst or trylast else hook

    functions = [note("a"), note("b", trylast=True), note("c"), note("d", tryfirst=True), note("e")]
    await called(hooks(name, *functions).compiled[f"llmgate_{name}"], None)
    assert "".join(ran) == order


WRONG: dict[str, tuple[str, Any, str]] = {
    "pre_request": ("pre_request", "x", "a str, not None or Response"),
    "pre_request-true": ("pre_request", True, "a bool, not None or Response"),
    "select_provider": ("select_provider", [A], "a list, not None or tuple"),
    "select_key": ("select_key", "sk-1", "a str, not None or Key"),
    "transform_request": ("transform_request", b"", "a bytes, not None or Request"),
    "transform_response": ("transform_response", {}, "a dict, not None or Response"),
    "transform_event": ("transform_event", "x", "a str, not None or event"),
    "on_error": ("on_error", Retry, "a type, not None or Retry or Next or Response"),
}


@pytest.mark.parametrize(("name", "value", "told"), WRONG.values(), ids=WRONG.keys())
async def test_b91_wrong_type(hooks: Any, name: str, value: Any, told: str) -> None:
    """A value of a wrong type names plugin, hook, what came and what may."""
    hook = hooks(name, lambda self: None, lambda self: value).compiled[f"llmgate_{name}"]
    with pytest.raises(PluginError) as caught:
        await called(hook, *[None] * len(inspect.signature(hook.call).parameters))
    assert caught.value.message.startswith(f"plugin 'b' failed in llmgate_{name}: it returned {told};")


async def test_b91_coroutine_from_a_sync_method(hooks: Any) -> None:
    """A method that returns a coroutine without being async is told what to do, and nothing is left un-awaited."""

    async def work() -> None:
        return None

    hook = hooks("pre_request", lambda self: work()).pre_request
    with pytest.raises(PluginError) as caught:
        await called(hook, None)
    assert "it returned a coroutine; declare the method async def" in caught.value.message


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize(
    "error",
    [ValueError("canary"), SystemExit(1), KeyboardInterrupt(), RecursionError(), StopIteration(), TimeoutError()],
)
async def test_b85_b86_raises_in_a_chain(hooks: Any, error: BaseException, *, wait: bool) -> None:
    """Any exception fails closed, named; its own text is for the log, not for the client."""

    def fails(self: Any) -> None:
        raise error

    async def fails_later(self: Any) -> None:
        await asyncio.sleep(0)
        raise error

    for name in ("pre_request", "select_key", "on_error"):
        hook = hooks(name, lambda self: None, fails_later if wait else fails).compiled[f"llmgate_{name}"]
        with pytest.raises(PluginError) as caught:
            await called(hook, *[None] * len(inspect.signature(hook.call).parameters))
        assert caught.value.plugin == "b"
        assert caught.value.__cause__ is error or isinstance(error, StopIteration)
        assert "canary" not in caught.value.message


@pytest.mark.parametrize("error", [RateLimited("slow down"), GatewayError("x"), asyncio.CancelledError()])
async def test_refusals_and_cancellation_pass(hooks: Any, error: BaseException) -> None:
    """A plugin refuses on purpose with a GatewayError; a cancellation is nobody's fault."""

    def fails(self: Any) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await called(hooks("pre_request", fails).pre_request, None)
    assert caught.value is error


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt(), GatewayError("x")])
async def test_b85_observers_are_apart(
    hooks: Any, error: BaseException, caplog: pytest.LogCaptureFixture, *, wait: bool
) -> None:
    """All observers run whatever one does; each failure is logged with plugin and hook, and counted."""
    ran: list[str] = []

    def fails(self: Any) -> None:
        raise error

    async def fails_later(self: Any) -> None:
        await asyncio.sleep(0)
        raise error

    made = hooks(
        "post_response", lambda self: ran.append("a"), fails_later if wait else fails, lambda self: ran.append("c")
    )
    caplog.set_level(logging.ERROR)
    await called(made.post_response, None)
    await called(made.post_response, None)
    assert ran == ["c", "a", "c", "a"]
    assert made.errors == {("b", "llmgate_post_response"): 2}
    assert "plugin 'b' failed in llmgate_post_response; the request is not affected" in caplog.text


async def test_observer_may_return_anything(hooks: Any) -> None:
    """What an observer returns is of no interest."""
    made = hooks("attempt_done", lambda self: 5)
    assert await called(made.attempt_done, None, None) is None
    assert made.errors == {}


async def test_events_are_threaded(hooks: Any) -> None:
    """Any of the events may be returned for any other."""
    hook = hooks("transform_event", lambda self, event: Ping(), lambda self, event: Start("new", "m")).transform_event
    assert await called(hook, None, Start("1", "m")) == Ping()


async def test_decisions(hooks: Any) -> None:
    """What is listed last decides first."""
    hook = hooks("on_error", lambda self: Next(), lambda self, error: Retry(1) if error else None).on_error
    assert await called(hook, None, "error") == Retry(1)
    assert await called(hook, None, None) == Next()


def test_a_plugin_reads_its_attributes_quickly() -> None:
    """Though pluggy has looked it through: the interpreter specialises it. However its class keeps them."""

    class Usual:
        def __init__(self) -> None:
            self.mine = 1

        def llmgate_pre_request(self) -> None:
            self.mine += 1

    @frozen(slots=False)
    class Frozen:
        mine: int = 1

        def llmgate_pre_request(self) -> None:
            assert self.mine == 1

    class Slotted:
        __slots__ = ("__weakref__", "mine")

        def llmgate_pre_request(self) -> None:
            self.mine = 1

    made = Usual(), Frozen(), Slotted()
    compiled = Hooks([Loaded("abc"[number], "x", "1", one) for number, one in enumerate(made)]).pre_request
    assert compiled is not None
    for _ in range(100):
        compiled.call(make_exchange())
    assert (made[0].mine, made[2].mine) == (101, 1)
    steps = {step.opname for step in dis.get_instructions(Usual.llmgate_pre_request, adaptive=True)}
    assert steps & {"LOAD_ATTR_WITH_HINT", "LOAD_ATTR_INSTANCE_VALUE"}
