"""Broken plugins: each gives one readable message that names plugin, cause and cure, and nothing starts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from llmgate_core import HOOK_API, Plugin, Target, hookimpl
from llmgate_core.config import ConfigError, make_config
from llmgate_core.gateway import Gateway
from llmgate_core.plugins import Found, discover
from llmgate_core.startup import build_gateway


def build(*found: Found, **data: Any) -> Gateway:
    """A gateway of these plugins."""
    return build_gateway(make_config(data), found=found, environ={})


def why(*found: Found, **data: Any) -> list[str]:
    """Why no gateway can be built of them."""
    with pytest.raises(ConfigError) as caught:
        build(*found, **data)
    return [str(mistake) for mistake in caught.value.mistakes]


def made(plugin: Callable[..., Any], name: str = "mine", **members: Any) -> Found:
    """A plugin class with these members, as it would be found installed."""
    cls = plugin(**members)
    return Found(name, "llmgate-mine", "1.2", lambda: cls)


def failing(error: BaseException) -> Found:
    """A plugin whose import raises."""

    def load() -> Any:
        raise error

    return Found("mine", "llmgate-mine", "1.2", load)


CURE = '; disable it with [gateway] disable = ["mine"], or: pip install -U llmgate-mine'


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("No module named 'foo'"), "No module named 'foo'"),
        (SyntaxError("invalid syntax"), "invalid syntax"),
        (RuntimeError(), "RuntimeError"),
        (SystemExit(3), "3"),
    ],
)
def test_b92_import_error(error: BaseException, reason: str) -> None:
    """The plugin, its distribution and version, the cause and the cure, in one line."""
    assert why(failing(error)) == [f"plugin 'mine' (llmgate-mine 1.2): could not be imported: {reason}{CURE}"]


def test_disabled_plugin_is_not_imported() -> None:
    """What is switched off cannot break the start."""
    gateway = build(failing(ImportError("x")), gateway={"disable": ["mine"]})
    assert gateway.registry.plugin_names == ()


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown-hook": (
        {"llmgate_on_eror": lambda self: None},
        "unknown hook 'llmgate_on_eror'; did you mean 'llmgate_on_error'?",
    ),
    "no-hook-at-all": ({"llmgate_zzz": 1}, "unknown hook 'llmgate_zzz'; see: llmgate hooks"),
    "old-api": (
        {"hook_api": HOOK_API - 1},
        f"is written for HOOK_API {HOOK_API - 1}, this llmgate has {HOOK_API}; pip install -U llmgate-mine",
    ),
    "new-api": (
        {"hook_api": HOOK_API + 1},
        f"is written for HOOK_API {HOOK_API + 1}, this llmgate has {HOOK_API}; pip install -U llmgate-core",
    ),
    "odd-api": ({"hook_api": "1"}, f"its hook_api is '1', not a whole number; set hook_api = {HOOK_API}"),
    "not-a-method": ({"llmgate_pre_request": 5}, "llmgate_pre_request is a int, not a method; make it a method"),
    "unknown-argument": (
        {"llmgate_pre_request": lambda self, request: None},
        "llmgate_pre_request takes exchange, not request; leave out what you do not need, but keep the names",
    ),
    "arguments-in-stars": (
        {"llmgate_pre_request": lambda self, **everything: None},
        "llmgate_pre_request takes exchange, not everything; leave out what you do not need, but keep the names",
    ),
    "argument-by-name-only": (
        {"llmgate_pre_request": lambda self, *, exchange: None},
        "llmgate_pre_request has arguments by name only; take them by position: leave out the '*'",
    ),
    "wrapper": (
        {"llmgate_pre_request": hookimpl(wrapper=True)(lambda self: (yield))},
        "llmgate_pre_request is a hook wrapper, which llmgate does not run; use two hooks, or the plugins order",
    ),
}


async def later(self: Any, register: Any) -> None:
    """A start hook that is async by mistake."""


@pytest.mark.parametrize(("members", "told"), ROWS.values(), ids=ROWS.keys())
def test_broken_class(plugin: Any, members: dict[str, Any], told: str) -> None:
    """What is wrong with a plugin's class is found before anything runs."""
    assert why(made(plugin, **members)) == [f"plugin 'mine' (llmgate-mine 1.2): {told}"]


def test_async_start_hook(plugin: Any) -> None:
    """A hook that runs before there is a loop cannot be async; silently registering nothing would be worse."""
    (told,) = why(made(plugin, llmgate_register_providers=later))
    cause = "llmgate_register_providers is async def, but runs before there is an event loop; make it def"
    assert told == f"plugin 'mine' (llmgate-mine 1.2): {cause}"


def test_entry_point_that_is_no_class() -> None:
    """An instance or a module at the entry point is told as what it is."""
    assert why(Found("mine", "llmgate-mine", "1.2", lambda: sys)) == [
        "plugin 'mine' (llmgate-mine 1.2): its entry point is a module, not a class; point it at the plugin's class"
    ]


def test_two_plugins_of_one_name(plugin: Any) -> None:
    """Two distributions that give the same name: neither wins by luck."""
    one, two = made(plugin), Found("mine", "llmgate-other", "3", plugin)
    (told,) = why(one, two)
    cure = "pip uninstall one of them, or disable both with [gateway] disable = ['mine']"
    assert told == f"plugin 'mine': is given by two distributions, llmgate-mine 1.2 and llmgate-other 3; {cure}"
    assert build(one, two, gateway={"disable": ["mine"]}).registry.plugin_names == ()


@define
class Options:
    """A plugin's options."""

    limit: int = 1

    def __attrs_post_init__(self) -> None:
        if self.limit > 10:
            raise ValueError("limit is at most 10; lower it")


def test_bad_options(plugin: Any) -> None:
    """Options are checked by the class the plugin gave; whatever it raises is told with the section's path."""
    mine = made(plugin, config_class=Options)
    assert why(mine, plugins={"mine": {"limit": "1", "limt": 2}}) == [
        "plugins.mine.limit: must be a whole number, not a string",
        "plugins.mine.limt: is not known; did you mean 'limit'?",
    ]
    assert why(mine, plugins={"mine": {"limit": 11}}) == ["plugins.mine: limit is at most 10; lower it"]
    assert build(mine, plugins={"mine": {"limit": 3}}).plugins[0].instance.config == Options(3)


def test_options_for_a_plugin_without(plugin: Any) -> None:
    """A section nobody reads is a mistake."""
    assert why(made(plugin), plugins={"mine": {"a": 1}}) == [
        "plugins.mine: this plugin has no options; remove the section"
    ]


def fails(self: Any, *_: Any) -> None:
    """Raises, whatever it is called for."""
    raise ValueError("no luck")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("__init__", "plugins.mine: could not be built: no luck; see the README of llmgate-mine 1.2"),
        ("model_names", "plugin 'mine': failed in model_names: no luck"),
        ("gauges", "plugin 'mine': failed in gauges: no luck"),
        ("targets_of", "plugin 'mine': failed in targets_of: no luck"),
    ],
)
def test_methods_that_raise_at_start(plugin: Any, name: str, told: str) -> None:
    """A method that raises while the gateway is built ends the start with the plugin's name."""
    members: dict[str, Any] = {name: fails}
    (seen,) = why(made(plugin, **members))
    assert seen.startswith(told)


def raises(self: Any) -> None:
    """A hook that takes none of its arguments, and raises."""
    raise ValueError("no luck")


@pytest.mark.parametrize("hook", ["register_providers", "register_dialects", "register_routes"])
def test_hooks_that_raise_at_start(plugin: Any, hook: str) -> None:
    """So does a hook, with its cure."""
    members: dict[str, Any] = {f"llmgate_{hook}": raises}
    (seen,) = why(made(plugin, **members))
    cure = 'mend it, or disable it with [gateway] disable = ["mine"]'
    assert seen == f"plugin 'mine': failed in llmgate_{hook}: no luck; {cure}"


def registers(thing: Any) -> Any:
    """A hook that registers this thing."""

    def hook(self: Any, register: Any) -> None:
        register(thing)

    return hook


def test_wrong_things_are_registered(plugin: Any, toy: Any) -> None:
    """An instance for a class, a class for an instance, or anything else is told at once."""
    for hook, thing, told in (
        ("llmgate_register_providers", toy.ToyDialect(), "takes a class of HttpProvider or LocalProvider"),
        ("llmgate_register_providers", "toy", "takes a class of HttpProvider or LocalProvider"),
        ("llmgate_register_dialects", toy.ToyDialect, "takes an instance of a Dialect"),
        ("llmgate_register_dialects", None, "takes an instance of a Dialect"),
    ):
        members: dict[str, Any] = {hook: registers(thing)}
        (seen,) = why(made(plugin, **members))
        assert told in seen


def test_names_registered_twice(plugin: Any, toy: Any) -> None:
    """Two plugins that offer the same type, dialect or endpoint are both named."""
    one = Found.of(toy.ToyPlugin, "first")
    (seen,) = why(one, Found.of(toy.ToyPlugin, "second"))
    assert (
        "plugin 'second': failed in llmgate_register_providers: 'toy' is registered by plugin 'first' already" in seen
    )
    routes: dict[str, Any] = {"llmgate_register_routes": lambda self, router: router.add("GET", "/x", print)}
    (seen,) = why(made(plugin, **routes), made(plugin, name="other", **routes))
    assert "the endpoint GET /x is registered twice" in seen


def test_targets_that_lead_nowhere(plugin: Any) -> None:
    """A provider's name in a plugin's options is checked at start."""
    lost = made(plugin, targets_of=lambda self: {"plugins.mine.models.fast": ["nobody/m"]})
    assert why(lost) == ["plugins.mine.models.fast: 'nobody/m' names no configured provider; known: none"]


def test_provider_of_an_unknown_dialect(plugin: Any, toy: Any) -> None:
    """A provider whose wire format nobody offers is told with its name."""
    lonely = made(plugin, llmgate_register_providers=lambda self, register: register(toy.ToyProvider))
    assert why(lonely, providers={"toy": {"base_url": "http://x"}}) == [
        "providers.toy: speaks 'toy.chat', which no active plugin offers; install or enable it"
    ]


def test_order_of_plugins(plugin: Any) -> None:
    """The list is the order, outermost first; the star is the rest; without a list the default order holds."""
    found = [made(plugin, name=name) for name in ("a", "b", "c", "d")]
    assert build(*found, gateway={"plugins": ["c", "*", "a"]}).registry.plugin_names == ("c", "b", "d", "a")
    assert build(*found, gateway={"plugins": ["c", "a"]}).registry.plugin_names == ("c", "a")
    assert build(*found, gateway={"plugins": [], "disable": []}).registry.plugin_names == ()
    gateway = build_gateway(make_config({}), found=found, default_order=("d", "zzz", "*", "b"), environ={})
    assert gateway.registry.plugin_names == ("d", "a", "c", "b")


def test_entry_points_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution's entry point is found with its name and version, and loaded only when asked."""
    info = tmp_path / "llmgate_temporary-4.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llmgate-temporary\nVersion: 4.5\n")
    (info / "entry_points.txt").write_text("[llmgate]\ntemporary = llmgate_temporary:Temporary\nbroken = nowhere:X\n")
    (tmp_path / "llmgate_temporary.py").write_text(
        "from llmgate_core import Plugin, Target\n"
        "class Temporary(Plugin):\n"
        "    def llmgate_select_provider(self):\n"
        "        return (Target('a', 'b'),)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {one.name: one for one in discover()}
    assert found["temporary"].origin == "llmgate-temporary 4.5"
    assert "llmgate_temporary" not in sys.modules
    gateway = build(found["temporary"])
    assert gateway.plugins[0].instance.llmgate_select_provider() == (Target("a", "b"),)
    (told,) = why(found["broken"])
    assert "plugin 'broken' (llmgate-temporary 4.5): could not be imported: No module named 'nowhere'" in told
    sys.modules.pop("llmgate_temporary")


def test_plugin_need_not_inherit() -> None:
    """Any class with hook methods is a plugin."""

    class Plain:
        """Knows nothing of ours."""

        def llmgate_pre_request(self) -> None:
            """Nothing."""

    assert build(Found("plain", "x", "1", lambda: Plain)).hooks.pre_request is not None


def test_two_gateways_share_nothing(plugin: Any) -> None:
    """Instances, hooks and counts belong to one gateway."""
    found = made(plugin, llmgate_post_response=lambda self: None)
    first, second = build(found), build(found)
    assert first.plugins[0].instance is not second.plugins[0].instance
    assert first.hooks.errors is not second.hooks.errors
    assert isinstance(first.plugins[0].instance, Plugin)
