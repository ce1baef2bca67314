"""SIGHUP: the configuration and the plugins are read again, and nobody notices but by the change."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

GREETING = "[plugins.toy]\ngreeting = {!r}\n"


def test_no_request_fails_under_load(toys: Any, serve: Callable[..., Any], load: Callable[..., Any]) -> None:
    """Clients that never pause get a 200 each time, the old way and then the new way."""
    served = serve(toys.config(GREETING.format("0")))
    with load(served) as clients:
        for number in range(1, 5):
            clients.more(50)
            toys.config(GREETING.format(str(number)))
            served.signal(signal.SIGHUP)
            served.wait_for("reloaded", times=number)
        clients.more(50)
    assert clients.failures == []
    assert {answer["status"] for answer in clients.answers} == {"200"}
    assert {answer["x-greeting"] for answer in clients.answers} == set("01234")
    assert served.ask()["x-greeting"] == "4"


def test_bad_config_keeps_the_old_one(toys: Any, serve: Callable[..., Any]) -> None:
    """Each mistake is told, the old configuration serves on, and a good one is taken afterwards."""
    served = serve(toys.config(GREETING.format("old")))
    served.ask()
    file = toys.config("[plugins.toy]\ngreting = 'new'\n")
    served.signal(signal.SIGHUP)
    served.wait_for("kept the old configuration: .*plugins.toy.greting: is not known; did you mean 'greeting'")
    assert served.ask()["x-greeting"] == "old"
    file.write_text("[gateway\n")
    served.signal(signal.SIGHUP)
    served.wait_for("kept the old configuration", times=2)
    assert served.ask()["x-greeting"] == "old"
    toys.config(GREETING.format("new"))
    served.signal(signal.SIGHUP)
    served.wait_for("reloaded")
    assert served.ask()["x-greeting"] == "new"


def test_failing_lifespan_keeps_the_old_one(toys: Any, serve: Callable[..., Any]) -> None:
    """What a plugin raises on entering its lifespan is told, and the old gateway serves on."""
    served = serve(toys.config(GREETING.format("old")))
    served.ask()
    toys.add(
        "sick",
        """
        from contextlib import asynccontextmanager
        from llmgate_core import Plugin

        class SickPlugin(Plugin):
            @asynccontextmanager
            async def llmgate_lifespan(self, gateway):
                raise RuntimeError("no disk")
                yield
        """,
    )
    toys.config(plugins='"toy", "sick"')
    served.signal(signal.SIGHUP)
    served.wait_for("kept the old configuration")
    served.wait_for("no disk")
    assert served.ask()["x-greeting"] == "old"


def test_new_plugin_is_found(toys: Any, serve: Callable[..., Any]) -> None:
    """A plugin that was installed while the gateway served is there after a reload."""
    served = serve(toys.config())
    assert "x-late" not in served.ask()
    toys.add(
        "late",
        """
        from llmgate_core import Plugin

        class LatePlugin(Plugin):
            def llmgate_pre_request(self, exchange):
                exchange.response_headers["x-late"] = "here"
        """,
    )
    toys.config(plugins='"late", "toy"')
    served.signal(signal.SIGHUP)
    served.wait_for("reloaded")
    assert served.ask()["x-late"] == "here"


def test_plugin_that_ends_the_interpreter_does_not(toys: Any, serve: Callable[..., Any]) -> None:
    """A module that calls sys.exit on import is a bad plugin, not the end of the gateway."""
    served = serve(toys.config(GREETING.format("old")))
    served.ask()
    toys.add("quitter", "import sys\nsys.exit(3)\n")
    toys.config(plugins='"toy", "quitter"')
    served.signal(signal.SIGHUP)
    served.wait_for("kept the old configuration")
    assert served.ask()["x-greeting"] == "old"


def test_another_port_needs_a_restart(toys: Any, serve: Callable[..., Any]) -> None:
    """The rest is taken over, and the log says what was not."""
    served = serve(toys.config())
    served.ask()
    toys.config(f"host = '127.0.0.2'\n{GREETING.format('new')}")
    served.signal(signal.SIGHUP)
    served.wait_for("host and port change only with a restart")
    served.wait_for("reloaded")
    assert served.ask()["x-greeting"] == "new"


def test_upgraded_plugin_needs_a_restart(toys: Any, serve: Callable[..., Any]) -> None:
    """Python keeps a module that was imported: the log says that the new version waits."""
    served = serve(toys.config())
    served.ask()
    (toys.folder / "llmgate_toy-0.1.0.dist-info").rename(toys.folder / "old")
    toys.add("toy", (toys.folder / "llmgate_toy.py").read_text(), version="0.2.0")
    served.signal(signal.SIGHUP)
    served.wait_for(r"plugin 'toy' runs as 0\.1\.0 until a restart; 0\.2\.0 is installed")
    served.wait_for("reloaded")
