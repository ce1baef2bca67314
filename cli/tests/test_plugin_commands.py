"""``llmgate plugin list`` and ``show``: what is there, and why what is broken is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

Run = Callable[..., Result]
BROKEN = {
    "broken": ("import no_such_module_anywhere", "could not be imported: No module named 'no_such_module_anywhere'"),
    "quitter": ("raise SystemExit(3)", "could not be imported"),
    "typo": (
        "class TypoPlugin:\n    def llmgate_pre_requst(self): ...",
        "unknown hook 'llmgate_pre_requst'; did you mean 'llmgate_pre_request'?",
    ),
    "future": ("class FuturePlugin:\n    hook_api = 99", "is written for HOOK_API 99"),
    "raiser": ("class RaiserPlugin:\n    def __init__(self): raise ValueError('no')", "could not be built: no"),
}


def listed(run: Run, *arguments: Any) -> dict[str, Any]:
    """``plugin list --json`` by name."""
    done = run("plugin", "list", "--json", *arguments)
    assert done.exit_code == 0
    return {one["name"]: one for one in json.loads(done.stdout)}


def test_plugin_is_listed_with_its_hooks(run: Run, toys: Any) -> None:
    """Name, version, distribution, whether it is on, and what it does."""
    toys.add("ears", "class EarsPlugin:\n    def llmgate_pre_request(self): ...\n", version="1.2.3")
    assert listed(run, "-c", toys.config(plugins='"ears"'))["ears"] == {
        "name": "ears",
        "version": "1.2.3",
        "distribution": "llmgate-ears",
        "enabled": True,
        "hooks": ["llmgate_pre_request"],
        "problem": None,
    }


def test_broken_plugins_are_listed_with_the_reason(run: Run, toys: Any) -> None:
    """Whatever one does on import or start, the list is whole, and its exit code 0."""
    for name, (source, _) in BROKEN.items():
        toys.add(name, source)
    file = toys.config(plugins=", ".join(f'"{name}"' for name in BROKEN))
    found = listed(run, "-c", file)
    for name, (_, reason) in BROKEN.items():
        assert reason in found[name]["problem"]
    told = run("plugin", "list", "-c", file)
    assert told.exit_code == 0
    assert "broken" in told.stdout


def test_disabled_plugin_is_not_imported(run: Run, toys: Any) -> None:
    """It is off, and has no problem that anybody could know of."""
    toys.add("broken", BROKEN["broken"][0])
    file = toys.config('disable = ["broken"]\n', plugins='"broken"')
    assert (listed(run, "-c", file)["broken"]["enabled"], listed(run, "-c", file)["broken"]["problem"]) == (False, None)


def test_two_plugins_of_one_name_are_told(run: Run, toys: Any) -> None:
    """Both distributions are named."""
    toys.add("twin", "class TwinPlugin: ...", distribution="llmgate-twin")
    toys.add("twin", "class TwinPlugin: ...", distribution="other-twin")
    problem = listed(run, "-c", toys.config(plugins='"twin"'))["twin"]["problem"]
    assert "llmgate-twin 0.1.0" in problem
    assert "other-twin 0.1.0" in problem


def test_bad_section_is_the_plugins_problem(run: Run, toys: Any) -> None:
    """A plugin whose section has a mistake is listed with it."""
    assert (
        "did you mean 'greeting'" in listed(run, "-c", toys.config("[plugins.toy]\ngreting = 'x'\n"))["toy"]["problem"]
    )


def test_show_tells_options_and_providers(run: Run, toys: Any) -> None:
    """Types, defaults and the words of the docstrings, of the plugin and of the provider types it brings."""
    data = json.loads(run("plugin", "show", "toy", "--json", "-c", toys.config()).stdout)
    (options,) = data["options"]
    assert options["doc"] == "What the toy can."
    assert options["options"][:2] == [
        {"name": "greeting", "type": "str", "default": '"hello"'},
        {"name": "token", "type": "Secret | None", "default": "none"},
    ]
    assert [one["type"] for one in data["providers"]] == ["plain", "parrot"]
    plain = {one["name"]: one for cls in data["providers"][0]["options"] for one in cls["options"]}
    assert plain["keys"]["type"] == "list[KeyConfig]"
    assert plain["secret"]["default"] is None
    text = run("plugin", "show", "toy", "-c", toys.config()).stdout
    assert "[plugins.toy]" in text
    assert '[providers.<name>] with type = "plain"' in text
    assert "llmgate_pre_request" in text


def test_show_of_a_broken_plugin_says_why(run: Run, toys: Any) -> None:
    """The reason stands where its options would."""
    toys.add("broken", BROKEN["broken"][0])
    done = run("plugin", "show", "broken", "-c", toys.config(plugins='"broken"'))
    assert done.exit_code == 0
    assert "broken: " in done.stdout
    assert "no_such_module_anywhere" in done.stdout


def test_show_of_no_plugin_helps(run: Run, toys: Any) -> None:
    """Exit code 2, and the nearest name."""
    done = run("plugin", "show", "tooy", "-c", toys.config())
    assert done.exit_code == 2
    assert "did you mean 'toy'?" in done.stderr
