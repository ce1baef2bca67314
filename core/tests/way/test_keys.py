"""Which credential an attempt uses, and which provider a bare environment gives."""

from __future__ import annotations

from typing import Any

import pytest

from llmgate_core import Key, Next, Plugin, Retry
from llmgate_core.config import ConfigError, make_config
from llmgate_core.plugins import Found
from llmgate_core.startup import build_gateway
from llmgate_core.testing import Reply, ScriptedUpstream

SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
KEYS = [{"value": "sk-n", "models": ["n*"]}, {"value": "sk-m", "name": "main"}, "sk-rest"]


async def test_first_key_that_allows_the_model(serve: Any) -> None:
    """Without a plugin the order of the config decides, among the keys for this model."""
    async with ScriptedUpstream(respond=lambda _: Reply.of(SAID)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url, "keys": KEYS}})
        for model in ("one/m", "one/n1"):
            await gate.post("/chat", b'{"model":"%b","text":"x"}' % model.encode())
    assert [request.headers["authorization"] for request in upstream.requests] == ["Bearer sk-m", "Bearer sk-n"]
    assert gate.log.attempts[0].key.name == "main"


async def test_plugin_chooses_for_each_attempt(serve: Any, plugin: Any) -> None:
    """A plugin's choice holds for one attempt; no opinion leaves it to the core."""

    def choose(self: Any, exchange: Any, target: Any) -> Key | None:
        keys = exchange.attempt.provider.keys
        return keys[-1] if exchange.attempt.number == 1 else None

    policy = plugin(llmgate_select_key=choose, llmgate_on_error=lambda self: Retry())
    async with ScriptedUpstream(Reply.of({"error": {"message": "no"}}, 401), Reply.of(SAID)) as upstream:
        one = {"type": "toy", "base_url": upstream.url, "keys": KEYS}
        gate = await serve(policy, providers={"one": one})
        answer = await gate.post("/chat", b'{"model":"one/m","text":"x"}')
    assert answer.status == 200
    assert [request.headers["authorization"] for request in upstream.requests] == ["Bearer sk-rest", "Bearer sk-m"]


async def test_no_key_for_the_model(serve: Any, plugin: Any) -> None:
    """No key may be used: the next target is asked, or the client gets a 503; nothing is sent."""
    async with ScriptedUpstream() as upstream:
        one = {"type": "toy", "base_url": upstream.url, "keys": KEYS[:1]}
        gate = await serve(plugin(llmgate_on_error=lambda self: Next()), providers={"one": one})
        alone = await gate.post("/chat", b'{"model":"one/m","text":"x"}')
        helped = await gate.post("/chat", b'{"model":"one/m+parrot/small","text":"x"}')
    assert (alone.status, alone.error["code"], helped.status) == (503, "no_key_available", 200)
    assert gate.log.results == ["not_sent", "not_sent", "ok"]
    assert upstream.requests == []


async def test_headers_of_the_config(serve: Any) -> None:
    """Headers set for a provider are sent with every request, and cannot be taken from a client."""
    async with ScriptedUpstream(Reply.of(SAID)) as upstream:
        one = {"type": "toy", "base_url": upstream.url, "headers": {"x-team": "a"}, "keys": ["sk-1"]}
        gate = await serve(providers={"one": one})
        sent = {"authorization": "Bearer mine", "x-team": "b", "cookie": "c=d", "x-forwarded-for": "1.2.3.4"}
        await gate.post("/chat", b'{"model":"one/m","text":"x"}', sent)
    (request,) = upstream.requests
    assert (request.headers["x-team"], request.headers["authorization"]) == ("a", "Bearer sk-1")
    assert not {"cookie", "x-forwarded-for", "x-dialect"} & set(request.headers)
    assert request.headers["accept-encoding"] == "identity"


@pytest.fixture
def vendor(toy: Any) -> type[Plugin]:
    """A plugin whose provider has a host of its own and a customary variable."""

    class Vendor(toy.ToyProvider):  # type: ignore[misc]  # a module loaded by hand has no types
        type = "vendor"
        default_base_url = "http://vendor.invalid/v1"
        usual_env = "VENDOR_KEY"
        known_models = ("v1", "v2")
        model_patterns = ("v*",)

    class Offer(toy.ToyPlugin):  # type: ignore[misc]  # the same
        def llmgate_register_providers(self, register: Any) -> None:
            register(Vendor)

    return Offer


def built(offer: Any, environ: dict[str, str], **providers: Any) -> Any:
    """The providers of a gateway with this environment."""
    config = make_config({"providers": providers} if providers else {})
    return build_gateway(config, found=[Found.of(offer, "vendor")], environ=environ).registry.providers


def test_usual_variable_switches_a_provider_on(vendor: Any) -> None:
    """With no config a provider is on when its variable is set, with that key."""
    assert built(vendor, {}) == {}
    provider = built(vendor, {"VENDOR_KEY": "sk-env"})["vendor"]
    assert provider.keys[0].secret.reveal() == "sk-env"
    assert (provider.base_url, provider.models) == ("http://vendor.invalid/v1", ("v1", "v2"))


def test_usual_variable_goes_to_the_vendor_only(vendor: Any) -> None:
    """A server at another address never gets the vendor's key by accident, nor the vendor's models."""
    environ = {"VENDOR_KEY": "sk-env"}
    assert built(vendor, environ, vendor={})["vendor"].keys[0].secret.reveal() == "sk-env"
    lab = built(vendor, environ, lab={"type": "vendor", "base_url": "http://lab/v1/", "models": ["x"]})["lab"]
    assert (lab.keys, lab.base_url, lab.models) == ((), "http://lab/v1", ("x",))
    assert (lab.serves("x"), lab.serves("v1")) == (True, False)
    own = built(vendor, environ, vendor={})["vendor"]
    assert (own.serves("v9"), own.serves("x")) == (True, False)
    given = built(vendor, environ, vendor={"keys": ["sk-own"]})["vendor"]
    assert [key.secret.reveal() for key in given.keys] == ["sk-own"]


def test_vendor_without_a_key(vendor: Any) -> None:
    """A provider at its vendor's host needs a key: the start says how to give one."""
    with pytest.raises(ConfigError) as caught:
        built(vendor, {}, vendor={})
    assert str(caught.value) == (
        'providers.vendor.keys: there is no key; set VENDOR_KEY, or give keys = [{ env = "…" }]'
    )
