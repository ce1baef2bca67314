"""Source texts that the explanations show: the way of a request, and hooks as they are compiled."""

from __future__ import annotations

import inspect
from typing import Any
from unittest.mock import patch

from llmgate_core import Exchange, Plugin, Target, chains
from llmgate_core.gateway import Gateway
from llmgate_core.hooks import Hooks
from llmgate_core.plugins import Loaded


class Router(Plugin):
    """Makes a plan."""

    def llmgate_select_provider(self, exchange: Exchange, targets: tuple[Target, ...]) -> tuple[Target, ...] | None:
        """Synchronous, both arguments."""
        return targets

    def llmgate_post_response(self, exchange: Exchange) -> None:
        """Synchronous."""


class Balancer(Plugin):
    """Changes a plan."""

    async def llmgate_select_provider(self, targets: tuple[Target, ...]) -> tuple[Target, ...] | None:
        """Asynchronous, one argument."""
        return targets

    async def llmgate_post_response(self, exchange: Exchange) -> None:
        """Asynchronous."""


def handle() -> str:
    """``Gateway.handle`` and the methods that find the answer, as they are."""
    sources = [inspect.getsource(method) for method in (Gateway.handle, Gateway._own_answer, Gateway._try)]
    return "```python\nclass Gateway:\n    ...\n\n" + "\n".join(sources) + "```"


def compiled_chain() -> str:
    """A CHAIN of two plugins, one of them async, as it is compiled."""
    return f"```text\n{compiled('llmgate_select_provider')}\n```"


def compiled_observers() -> str:
    """OBSERVE hooks of the same two."""
    return f"```text\n{compiled('llmgate_post_response')}\n```"


def compiled(hook: str) -> str:
    """The text that becomes one hook's function."""
    texts: dict[str, str] = {}

    def keep(text: str, name: str, mode: str) -> Any:
        texts[name] = text
        return compile(text, name, mode)

    plugins = [Loaded("router", "", "", Router()), Loaded("balancer", "", "", Balancer())]
    with patch.object(chains, "compile", keep, create=True):
        Hooks(plugins)
    return texts[f"<compiled {hook}>"]
