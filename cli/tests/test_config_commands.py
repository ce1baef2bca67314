"""``llmgate config``: check, show, init."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from llmgate_core.config import GatewayConfig, make_config

Run = Callable[..., Result]


def test_good_config_is_ok(run: Run, toys: Any) -> None:
    """Exit code 0, and what was looked at."""
    done = run("config", "check", "-c", toys.config())
    assert (done.exit_code, done.stdout) == (0, f"ok: {toys.folder / 'llmgate.toml'}, 1 provider, 1 plugin\n")


def test_every_mistake_has_a_line(run: Run, toys: Any) -> None:
    """Exit code 2, and file, path, what and hint of each mistake on stderr; nothing on stdout."""
    file = toys.config("prot = 1\nhots = 'x'\n")
    done = run("config", "check", "-c", file)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"error: {file}: gateway.prot: is not known; did you mean 'port'?\n" in done.stderr
    assert f"error: {file}: gateway.hots: is not known; did you mean 'host'?\n" in done.stderr


def test_mistakes_of_all_sections_are_told_together(run: Run, toys: Any) -> None:
    """One run names what is wrong with the gateway's own table, with a provider, and with plugins' names."""
    file = toys.config("prot = 1\n[providers.lab]\ntyp = 'x'\n[plugins.fallbak]\na = 1\n")
    told = run("config", "check", "-c", file).stderr
    for place in ("gateway.prot: ", "providers.lab: ", "plugins.fallbak: "):
        assert f"error: {file}: {place}" in told


@pytest.mark.parametrize(
    ("text", "told"), [("[gateway\n", "TOML: "), (None, "file: cannot be read: No such file or directory")]
)
def test_file_that_cannot_be_read_is_told(run: Run, tmp_path: Path, text: str | None, told: str) -> None:
    """Bad syntax and a missing file are mistakes like others."""
    file = tmp_path / "x.toml"
    if text is not None:
        file.write_text(text)
    done = run("config", "check", "-c", file)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {file}: {told}")


def test_show_is_what_is_in_force(run: Run, toys: Any) -> None:
    """Defaults of gateway, plugin and provider stand in it, and it can be read as TOML."""
    done = run("config", "show", "-c", toys.config("[plugins.toy]\ngreeting = 'ciao'\n"))
    shown = tomllib.loads(done.stdout)
    assert done.exit_code == 0
    assert shown["gateway"]["port"] == GatewayConfig().port
    assert shown["gateway"]["plugins"] == ["toy"]
    assert shown["plugins"] == {"toy": {"greeting": "ciao"}}
    assert shown["providers"]["parrot"]["type"] == "parrot"


def test_show_masks_secrets(run: Run, toys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No form in which a secret can be given shows it, as text or as JSON; where it comes from is shown."""
    monkeypatch.setenv("LAB_KEY", "canary-of-the-variable")
    file = toys.config(
        """
        [plugins.toy]
        token = { value = "canary-of-the-plugin" }
        [providers.lab]
        type = "plain"
        base_url = "http://me:canary-of-the-url@127.0.0.1:1"
        headers = { authorization = "canary-of-the-header", x-team = "red" }
        keys = ["canary-literal", { value = "canary-nested", weight = 2 }, { env = "LAB_KEY" }]
        """
    )
    for form in ((), ("--json",)):
        done = run("config", "show", "-c", file, *form)
        assert done.exit_code == 0
        assert "canary" not in done.output
        assert "LAB_KEY" in done.stdout
        assert "red" in done.stdout


def test_show_json_names_the_file(run: Run, toys: Any) -> None:
    """Programs get one object, with the file it was read from."""
    file = toys.config()
    shown = json.loads(run("config", "show", "--json", "-c", file).stdout)
    assert shown["file"] == str(file)
    assert shown["gateway"]["plugins"] == ["toy"]


def test_init_writes_a_file_that_passes(run: Run) -> None:
    """The starter is found without -c and has no mistake in it."""
    done = run("config", "init")
    assert done.exit_code == 0
    assert Path("llmgate.toml").exists()
    assert run("config", "check").exit_code == 0


def test_init_names_every_setting_with_its_default(run: Run) -> None:
    """With its settings uncommented the file says what holds without it."""
    run("config", "init")
    lines = Path("llmgate.toml").read_text().partition("# Providers")[0].splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines if " = " in line or line.startswith("["))
    gateway = make_config(tomllib.loads(text)).gateway
    assert gateway == GatewayConfig(plugins=gateway.plugins)
    names = {name for name in GatewayConfig.__annotations__ if f"# {name} = " in Path("llmgate.toml").read_text()}
    assert names == set(GatewayConfig.__annotations__)


def test_init_switches_on_whose_key_is_there(run: Run, toys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider whose usual variable is set is on in the file, as without one; another stands there as a comment."""
    toys.add("seller", SELLER)
    monkeypatch.setenv("SELLER_API_KEY", "canary")
    run("config", "init", "with.toml")
    assert tomllib.loads(Path("with.toml").read_text())["providers"]["seller"] == {"keys": [{"env": "SELLER_API_KEY"}]}
    monkeypatch.delenv("SELLER_API_KEY")
    run("config", "init", "without.toml")
    text = Path("without.toml").read_text()
    assert "seller" not in tomllib.loads(text).get("providers", {})
    assert '# [providers.seller]\n# keys = [{ env = "SELLER_API_KEY" }]\n' in text


def test_init_bears_a_broken_plugin(run: Run, toys: Any) -> None:
    """The file that could disable it can still be made."""
    toys.add("broken", "import no_such_module_anywhere\n")
    assert run("config", "init").exit_code == 0


SELLER = """
    from llmgate_core import HttpProvider, Plugin

    class SellerProvider(HttpProvider):
        type = "seller"
        dialects = ("plain.chat",)
        usual_env = "SELLER_API_KEY"
        default_base_url = "http://127.0.0.1:1"
        def authorise(self, key):
            return {}

    class SellerPlugin(Plugin):
        def llmgate_register_providers(self, register):
            register(SellerProvider)
"""


def test_init_overwrites_only_when_told(run: Run, tmp_path: Path) -> None:
    """What somebody wrote is not lost by mistake."""
    file = tmp_path / "mine.toml"
    file.write_text("# mine\n")
    refused = run("config", "init", file)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert file.read_text() == "# mine\n"
    assert run("config", "init", "--force", file).exit_code == 0
    assert "[gateway]" in file.read_text()


def test_init_tells_when_it_cannot_write(run: Run, tmp_path: Path) -> None:
    """A folder that is not there is one line, not a traceback."""
    done = run("config", "init", tmp_path / "no" / "x.toml")
    assert done.exit_code == 2
    assert "cannot be written: No such file or directory" in done.stderr
