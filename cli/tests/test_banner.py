"""What ``llmgate serve`` says first, for several configurations."""

from __future__ import annotations

import json
import shlex
from typing import Any

from attrs import define, field

from llmgate_cli.banner import banner
from llmgate_core import Plugin
from llmgate_core.config import make_config
from llmgate_core.plugins import Found
from llmgate_core.startup import build_gateway
from llmgate_core.testing.plain import PlainPlugin


@define
class AuthConfig:
    """Keys of clients."""

    keys: list[str] = field(factory=list)


class AuthPlugin(Plugin):
    """Stands for the shipped plugin of that name."""

    config_class = AuthConfig


def told(config: dict[str, Any], *plugins: Found, workers: int = 1) -> str:
    """The banner of a gateway with the plain plugin and these."""
    found = [Found.of(PlainPlugin, "plain"), *plugins]
    gateway = build_gateway(make_config(config), found=found, environ={})
    return banner(gateway, "0.0.0.0", 8080, workers)


def test_provider_of_the_config_is_tried_first() -> None:
    """What somebody switched on is what he wants to try, not what is always there; on an address that he can reach."""
    lab = {"type": "plain", "base_url": "http://127.0.0.1:1", "models": ["small", "large"]}
    words = shlex.split(told({"providers": {"lab": lab}}).splitlines()[-1])
    assert words[:2] == ["curl", "http://127.0.0.1:8080/plain/chat"]
    assert json.loads(words[-1])["model"] == "lab/small"


def test_provider_without_known_models_is_passed_over() -> None:
    """A name that nobody knows would not make a curl that works."""
    lab = {"type": "plain", "base_url": "http://127.0.0.1:1"}
    assert '"model":"parrot/any"' in told({"providers": {"lab": lab}})


def test_key_is_asked_for_when_clients_need_one() -> None:
    """The curl has a place for the key, and the text says so; no key of the config is shown."""
    auth = Found.of(AuthPlugin, "auth")
    text = told({"plugins": {"auth": {"keys": ["canary"]}}}, auth)
    assert "with LLMGATE_KEY set to a client's key" in text
    assert '-H "authorization: Bearer $LLMGATE_KEY"' in text
    assert "canary" not in text
    assert "LLMGATE_KEY" not in told({}, auth)


def test_without_providers_there_is_nothing_to_try() -> None:
    """No plugin, no curl; where it listens is said all the same."""
    text = banner(build_gateway(make_config({}), found=[]), "127.0.0.1", 1)
    assert "listening on http://127.0.0.1:1\n" in text
    assert "providers  none" in text
    assert "curl" not in text


def test_workers_are_counted() -> None:
    """More than one is worth saying."""
    assert "with 3 workers" in told({}, workers=3)
    assert "workers" not in told({})
