"""The text ``llmgate config init`` writes: every setting with its default and what it means, ready to be uncommented."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from . import tomltext
from .order import DEFAULT_ORDER
from .survey import survey

if TYPE_CHECKING:
    from llmgate_core.provider import Provider

WIDTH: Final = 120
_HEAD: Final = """\
# The configuration of llmgate. Every setting has a default, which stands here behind a "#": take the mark away to change it.
# `llmgate config check` finds mistakes, `llmgate config show` prints what is in force.
"""
_MEANING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "host": "the address to listen on; beyond loopback, clients need keys: [plugins.auth]",
        "port": "0 takes a free one",
        "plugins": 'the order, outermost first; "*" is every other installed plugin',
        "disable": "plugins to leave out",
        "unsupported": 'a field the chosen provider cannot carry: "refuse", or "drop" and say so',
        "total_timeout": "seconds for a request, all its tries together",
        "hold_limit": "seconds a stream is held back until its first content, so that a failure can still be mended",
        "keep_alive": "seconds between signs of life to a client that waits",
        "grace": "seconds for requests in flight when the gateway stops",
        "max_body": "bytes of a request",
        "body_timeout": "seconds for a request's body to come in",
        "max_response": "bytes of a provider's whole answer",
        "max_connections": "open connections to one provider's host",
        "lean": "false: every request takes the full lanes, in and out, which are slower",
        "busy_poll": "seconds a worker stays awake after a request begins or ends, such as 0.002: less latency, more CPU",
    }
)
_TAIL: Final = """
# Names of your own for models; the targets are tried in order.
# [plugins.router.models]
# fast = ["provider/model", "other/model"]

# What each plugin understands: llmgate plugin show NAME
"""


def starter(environ: Mapping[str, str] | None = None) -> str:
    """The whole file. A provider whose usual variable is set is switched on in it, as it would be without a file."""
    return f"{_HEAD}\n{_gateway()}\n{_providers(os.environ if environ is None else environ)}{_TAIL}"


def _gateway() -> str:
    from llmgate_core.config import GatewayConfig

    defaults = GatewayConfig(plugins=list(DEFAULT_ORDER))
    lines = ["[gateway]"]
    for field in attrs.fields(GatewayConfig):
        setting = f"# {field.name} = {tomltext.value(getattr(defaults, field.name))}"
        meaning = _MEANING.get(field.name, "")
        told = f"{setting:<32}  # {meaning}"
        lines += [told] if len(told) <= WIDTH else [f"# {meaning}:", setting]
    return "\n".join(lines) + "\n"


def _providers(environ: Mapping[str, str]) -> str:
    lines = ["# Providers. A key is a string, { env = … } or { file = … }, alone or with weight = … and models = […]."]
    for cls in sorted(_types(), key=lambda cls: cls.type):
        if cls.usual_env:
            lines += _provider(cls, "" if environ.get(cls.usual_env) else "# ")
    return "\n".join(lines) + "\n"


def _types() -> list[type[Provider]]:
    """What the installed plugins offer; one that cannot run offers nothing, and keeps nobody from starting a config."""
    from llmgate_core.config import Config

    types: list[type[Provider]] = []
    for status in survey(Config()):
        if status.loaded is not None and "llmgate_register_providers" in status.hooks:
            status.loaded.instance.llmgate_register_providers(types.append)
    return types


def _provider(cls: type[Provider], mark: str) -> list[str]:
    key = tomltext.value([{"env": cls.usual_env}])
    return ["", f"{mark}[providers.{tomltext.key(cls.type)}]", f"{mark}keys = {key}"]
