"""Who gets in, who is told to go, and as whom."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_auth import AuthConfig, AuthPlugin
from llmgate_core import Exchange
from llmgate_core.errors import AuthenticationFailed, PermissionDenied
from llmgate_core.strict import structure

Make = Callable[..., Exchange]
KEY = "k-7f3a9b2c5d8e1f04-a"
OTHER = "k-7f3a9b2c5d8e1f04-b"


@pytest.fixture
def auth() -> AuthPlugin:
    """Knows two keys that differ in their last character; the second may ask for some models only."""
    section = {
        "keys": [
            {"name": "app", "key": KEY},
            {"name": "ci", "sha256": hashlib.sha256(OTHER.encode()).hexdigest(), "models": ["fast", "lab/*"]},
        ]
    }
    return AuthPlugin(structure(section, AuthConfig, "plugins.auth", {}))


def bearer(key: str) -> dict[str, str]:
    """The header most SDKs send."""
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(("key", "name"), [(KEY, "app"), (OTHER, "ci")])
def test_caller_is_named_by_the_whole_key(auth: AuthPlugin, make_exchange: Make, key: str, name: str) -> None:
    """Keys with a long common beginning belong to different callers."""
    exchange = make_exchange(bearer(key), model="fast")
    auth.llmgate_pre_request(exchange)
    assert exchange.caller is not None
    assert exchange.caller.name == name


@pytest.mark.parametrize(
    "wrong",
    [
        KEY[:-1],
        KEY + "x",
        KEY.upper(),
        "' OR '1'='1",
        "é" * 20,
        "\udcff\udcfe",
        "\ud800",
        "\x00",
        "x" * 10_240,
        hashlib.sha256(KEY.encode()).hexdigest(),
        "0" * 64,
    ],
)
def test_wrong_key_is_401_and_never_shown(auth: AuthPlugin, make_exchange: Make, wrong: str) -> None:
    """Almost right, hostile, not UTF-8, huge, or the digest itself: the same 401, with no part of the key."""
    exchange = make_exchange({"x-api-key": wrong})
    with pytest.raises(AuthenticationFailed) as caught:
        auth.llmgate_pre_request(exchange)
    assert caught.value.message == "the API key is not known to this gateway"
    assert caught.value.code == "invalid_api_key"
    assert caught.value.headers["www-authenticate"] == "Bearer"
    assert exchange.caller is None


def test_no_key_is_401(auth: AuthPlugin, make_exchange: Make) -> None:
    """Without a key nobody gets in."""
    with pytest.raises(AuthenticationFailed) as caught:
        auth.llmgate_pre_request(make_exchange())
    assert caught.value.code == "missing_api_key"


@pytest.mark.parametrize("model", ["fast", "lab/llama", "lab/a/b"])
def test_key_may_ask_for_its_models(auth: AuthPlugin, make_exchange: Make, model: str) -> None:
    """The patterns hold for the name as the client writes it."""
    auth.llmgate_pre_request(make_exchange(bearer(OTHER), model=model))


@pytest.mark.parametrize("model", ["smart", "FAST", "fast ", "xlab/llama", "lab", "\x1b" + "m" * 500])
def test_other_model_is_403(auth: AuthPlugin, make_exchange: Make, model: str) -> None:
    """Another model is refused, in a short message that names what is allowed."""
    with pytest.raises(PermissionDenied) as caught:
        auth.llmgate_pre_request(make_exchange(bearer(OTHER), model=model))
    assert caught.value.param == "model"
    assert caught.value.code == "model_not_allowed"
    assert "fast, lab/*" in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("fallbacks", [["lab/llama", "dear/model"], [{"model": "dear/model"}]])
def test_models_named_as_fallbacks_are_checked(auth: AuthPlugin, make_exchange: Make, fallbacks: Any) -> None:
    """A list of fallbacks in the body is no way around the key's models."""
    exchange = make_exchange(bearer(OTHER), model="fast", extensions={"fallbacks": fallbacks})
    with pytest.raises(PermissionDenied, match="dear/model"):
        auth.llmgate_pre_request(exchange)


@pytest.mark.parametrize("fallbacks", [None, "x", 5, [5, None, {}], []])
def test_odd_fallbacks_are_left_to_their_owner(auth: AuthPlugin, make_exchange: Make, fallbacks: Any) -> None:
    """Auth judges names; the shape of the field is checked by the plugin whose field it is."""
    auth.llmgate_pre_request(make_exchange(bearer(OTHER), model="fast", extensions={"fallbacks": fallbacks}))


def test_key_without_models_may_ask_for_all(auth: AuthPlugin, make_exchange: Make) -> None:
    """No patterns means no limit."""
    auth.llmgate_pre_request(make_exchange(bearer(KEY), model="dear/model"))


def test_keys_are_not_kept(auth: AuthPlugin, make_exchange: Make) -> None:
    """What the plugin adds to the exchange holds no key."""
    exchange = make_exchange(bearer(KEY))
    auth.llmgate_pre_request(exchange)
    assert KEY not in repr((exchange.caller, exchange.state, exchange.response_headers))


def test_head_that_comes_again_is_known(auth: AuthPlugin, make_exchange: Make) -> None:
    """What one head was found to be holds for its next request: the same caller, and models are still judged anew."""
    first, second, third = (make_exchange(bearer(OTHER), model=model) for model in ("fast", "lab/1", "slow"))
    second.head = third.head = first.head
    auth.llmgate_pre_request(first)
    auth.llmgate_pre_request(second)
    assert second.caller is first.caller is not None
    with pytest.raises(PermissionDenied):
        auth.llmgate_pre_request(third)


def test_what_is_known_of_a_head_is_one_plugins_own(auth: AuthPlugin, make_exchange: Make) -> None:
    """After a reload the keys may be others: the new instance asks anew, for a head that the old one let in."""
    exchange = make_exchange(bearer(KEY), model="fast")
    auth.llmgate_pre_request(exchange)
    reloaded = AuthPlugin(structure({"keys": [{"name": "ci", "key": OTHER}]}, AuthConfig, "plugins.auth", {}))
    with pytest.raises(AuthenticationFailed):
        reloaded.llmgate_pre_request(exchange)
    with pytest.raises(AuthenticationFailed):  # nothing is kept of who was refused
        reloaded.llmgate_pre_request(exchange)
