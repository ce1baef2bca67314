"""``llmgate serve`` as a newcomer meets it: real processes on real ports."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_it_says_where_it_listens_and_what_to_paste(toys: Any, serve: Callable[..., Any]) -> None:
    """The banner names address, config, providers and plugins, and its curl is answered as it stands."""
    served = serve(toys.config())
    served.wait_for(r"curl .*\n")
    assert re.search(r"providers +parrot\n", served.text)
    assert re.search(r"plugins +toy\n", served.text)
    assert "llmgate.toml" in served.text
    command = shlex.split(served.wait_for(r"curl (.*)")[0])
    if shutil.which("curl"):
        done = subprocess.run([*command, "-s", "-w", "%{http_code}"], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("200")
    served.signal(signal.SIGTERM)
    assert served.end() == 0


def test_providers_that_are_off_say_how_to_switch_them_on(toys: Any, serve: Callable[..., Any]) -> None:
    """A type with a customary variable that is not set is named, with the variable."""
    toys.add(
        "seller",
        """
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
        """,
    )
    off = serve(toys.config(plugins='"toy", "seller"'))
    off.wait_for(r"seller is off: add \[providers\.seller\].*SELLER_API_KEY")


def test_taken_port_is_told(toys: Any, serve: Callable[..., Any]) -> None:
    """Another program on the port: exit code 2, one line, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        served = serve(toys.config(), "--port", str(other.getsockname()[1]))
        assert served.end() == 2
    assert "another program does already" in served.text
    assert len(served.text.splitlines()) == 1


def test_port_of_a_sharing_program_is_taken_too(toys: Any, serve: Callable[..., Any]) -> None:
    """Two gateways with workers never share a port by mistake."""
    first = serve(toys.config(), "--workers", "2")
    second = serve(toys.config(), "--workers", "2", "--port", str(first.port))
    assert second.end() == 2
    assert "another program does already" in second.text


def test_unknown_address_is_told(toys: Any, serve: Callable[..., Any]) -> None:
    """An address of another machine: exit code 2 and what to use instead."""
    served = serve(toys.config(), "--host", "192.0.2.1")
    assert served.end() == 2
    assert "this machine has no such address" in served.text


def test_bad_config_is_told_with_file_path_and_hint(toys: Any, serve: Callable[..., Any]) -> None:
    """Exit code 2; each mistake has a line."""
    config = toys.config("[plugins.toy]\ngreting = 'x'\n")
    served = serve(config)
    assert served.end() == 2
    assert served.text == f"error: {config}: plugins.toy.greting: is not known; did you mean 'greeting'?\n"


def test_failing_lifespan_is_told(toys: Any, serve: Callable[..., Any]) -> None:
    """What a plugin raises on entering ends the start with one readable error, and exit code 2."""
    toys.add("sick", SICK)
    served = serve(toys.config(plugins='"toy", "sick"'))
    assert served.end() == 2
    assert "plugin 'sick': failed in llmgate_lifespan: no disk" in served.text
    assert "Traceback" not in served.text


def test_config_is_found_by_the_variable(toys: Any, serve: Callable[..., Any], tmp_path: Path) -> None:
    """Without -c the file that the variable names is read, whatever lies in this folder."""
    toys.config("[plugins.toy]\ngreeting = 'from the folder'\n")
    named = tmp_path / "named.toml"
    named.write_text('[gateway]\nplugins = ["toy"]\n[plugins.toy]\ngreeting = "from the variable"\n')
    assert serve(None, LLMGATE_CONFIG=str(named)).ask()["x-greeting"] == "from the variable"
    assert serve(None).ask()["x-greeting"] == "from the folder"


def test_keys_are_masked_in_the_log(toys: Any, serve: Callable[..., Any]) -> None:
    """A plugin that logs a key does not get it past the log."""
    toys.add("chatty", CHATTY)
    served = serve(toys.config(plugins='"toy", "chatty"'))
    served.ask()
    served.wait_for(r"calling with Bearer \*+")
    assert "sk-canary-123456" not in served.text


SICK = """
    from contextlib import asynccontextmanager
    from llmgate_core import Plugin

    class SickPlugin(Plugin):
        @asynccontextmanager
        async def llmgate_lifespan(self, gateway):
            raise RuntimeError("no disk")
            yield
"""
CHATTY = """
    import logging
    from llmgate_core import Plugin

    class ChattyPlugin(Plugin):
        def llmgate_pre_request(self, exchange):
            logging.getLogger("llmgate_chatty").warning("calling with %s", "Bearer sk-canary-123456")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_gateway_ends_at_once_with_0(toys: Any, serve: Callable[..., Any], number: int) -> None:
    """Both signals that mean the end are obeyed, with exit code 0."""
    served = serve(toys.config())
    served.ask()
    served.signal(number)
    assert served.end() == 0
    served.wait_for("stopping")
