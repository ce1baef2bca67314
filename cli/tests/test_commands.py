"""The command as a whole: help, typos, the order of plugins, hooks and models, and what plugins bring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from click.testing import Result

from llmgate_cli.order import DEFAULT_ORDER
from llmgate_core.hookspecs import kinds
from llmgate_core.native import native

Run = Callable[..., Result]
SPEAKER = """
    import click
    from llmgate_core import Plugin

    @click.command()
    def speak():
        click.echo("woof")

    @click.command()
    def serve():
        click.echo("mine now")

    class SpeakerPlugin(Plugin):
        def llmgate_register_commands(self, cli):
            cli.add_command(speak)
            cli.add_command(serve)
"""


def test_version_is_told() -> None:
    """``llmgate --version`` is one line, which also tells whether the core's compiled twins are in use."""
    command = [sys.executable, "-m", "llmgate_cli", "--version"]
    kind = "pure Python" if native is None else "native"
    assert subprocess.check_output(command, text=True) == f"llmgate {version('llmgate-cli')} ({kind})\n"


def test_version_tells_of_pure_python() -> None:
    """With LLMGATE_PURE=1 nothing compiled is used, and the version says so."""
    command = [sys.executable, "-m", "llmgate_cli", "--version"]
    told = subprocess.check_output(command, text=True, env={**os.environ, "LLMGATE_PURE": "1"})
    assert told == f"llmgate {version('llmgate-cli')} (pure Python)\n"


def test_version_imports_no_gateway() -> None:
    """What needs no gateway does not wait for its import."""
    code = "import sys, llmgate_cli.main; print([m for m in sys.modules if m.startswith(('llmgate_core', 'aiohttp'))])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_typo_of_a_command_is_helped(run: Run) -> None:
    """At the root and in a group: exit code 2 and the nearest command."""
    for typed, meant in ((["sevre"], "serve"), (["plugin", "shwo"], "show"), (["config", "chek"], "check")):
        done = run(*typed)
        assert done.exit_code == 2
        assert f"did you mean '{meant}'?" in done.stderr


def test_typo_of_an_option_is_helped(run: Run) -> None:
    """The nearest option is named."""
    done = run("serve", "--prot", "1")
    assert done.exit_code == 2
    assert "--port" in done.stderr


def test_hooks_are_listed_in_the_order_of_life(run: Run, toys: Any) -> None:
    """Every hook with its kind; the way back runs in reverse; no provider and no key is needed."""
    toys.add("inner", "from llmgate_core import Plugin\nclass InnerPlugin(Plugin):\n" + TWO_HOOKS)
    toys.add("outer", "from llmgate_core import Plugin\nclass OuterPlugin(Plugin):\n" + TWO_HOOKS)
    file = toys.config("[providers.lab]\ntype = 'no_such_type'\n", plugins='"outer", "inner"')
    found = json.loads(run("hooks", "--json", "-c", file).stdout)
    assert [one["hook"] for one in found] == list(kinds())
    by_name = {one["hook"]: one for one in found}
    assert by_name["llmgate_pre_request"] == {
        "hook": "llmgate_pre_request",
        "kind": "CHAIN",
        "plugins": ["outer", "inner"],
    }
    assert by_name["llmgate_post_response"]["plugins"] == ["inner", "outer"]
    assert "outer → inner" in run("hooks", "-c", file).stdout


TWO_HOOKS = "    def llmgate_pre_request(self): ...\n    def llmgate_post_response(self): ...\n"


def test_models_are_listed(run: Run, toys: Any) -> None:
    """As text and as JSON."""
    file = toys.config()
    assert json.loads(run("models", "--json", "-c", file).stdout) == [{"id": "parrot/any", "owned_by": "parrot"}]
    assert run("models", "-c", file).stdout.split() == ["parrot/any", "parrot"]


def test_plugin_brings_a_command(run: Run, toys: Any) -> None:
    """It runs, stands in --help, and cannot take a built-in command's place."""
    toys.add("speaker", SPEAKER)
    toys.config(plugins='"speaker"').rename("llmgate.toml")
    assert run("speak").stdout == "woof\n"
    told = run("--help")
    assert "speak" in told.stdout
    assert "'serve' of plugin 'speaker' is left out" in told.stderr


def test_broken_plugin_costs_a_warning(run: Run, toys: Any) -> None:
    """A plugin that cannot be imported neither hides the others' commands nor ends the command line."""
    toys.add("speaker", SPEAKER)
    toys.add("broken", "import no_such_module_anywhere\n")
    toys.add("quitter", "raise SystemExit(3)\n")
    toys.config(plugins='"broken", "quitter", "speaker"').rename("llmgate.toml")
    done = run("speak")
    assert (done.exit_code, done.stdout) == (0, "woof\n")
    assert "commands of plugin 'broken'" in done.stderr
    assert "commands of plugin 'quitter'" in done.stderr
    assert "plugin" not in run("config", "check", "--help").stderr


def test_bad_config_leaves_commands_in_place(run: Run, toys: Any) -> None:
    """With mistakes in the config the built-in commands are still there to mend it."""
    toys.config("prot = 1\n").rename("llmgate.toml")
    done = run("--help")
    assert done.exit_code == 0
    assert "config" in done.stdout
    assert "gateway.prot" in done.stderr


def test_shipped_order_has_one_place_for_the_others() -> None:
    """Every name stands once, and third parties have their place: inside auth, before fallback."""
    assert len(set(DEFAULT_ORDER)) == len(DEFAULT_ORDER)
    assert DEFAULT_ORDER.index("auth") < DEFAULT_ORDER.index("*") < DEFAULT_ORDER.index("fallback")


def test_error_nobody_foresaw_is_one_line() -> None:
    """A fault of ours is told without a traceback, which one variable brings back."""
    code = "import llmgate_cli.main as m\ndef f(): raise KeyError('x')\nm.make_cli = f\nm.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: KeyError: 'x'\n")
    assert "Traceback" not in done.stderr
