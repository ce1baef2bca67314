"""A model that a key was once allowed is not matched against the patterns again: only that one, and only for that key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmgate_auth import AuthConfig, AuthPlugin
from llmgate_core import Exchange
from llmgate_core.errors import PermissionDenied
from llmgate_core.strict import structure

Make = Callable[..., Exchange]
WIDE, NARROW = "k-7f3a9b2c5d8e1f04-wide", "k-7f3a9b2c5d8e1f04-narrow"


@pytest.fixture
def auth() -> AuthPlugin:
    """One key for everything in the lab, one for a single model."""
    keys = [
        {"name": "wide", "key": WIDE, "models": ["lab/*", "fast"]},
        {"name": "narrow", "key": NARROW, "models": ["fast"]},
    ]
    return AuthPlugin(structure({"keys": keys}, AuthConfig, "plugins.auth", {}))


def bearer(key: str) -> dict[str, str]:
    """The header most SDKs send."""
    return {"authorization": f"Bearer {key}"}


def test_what_one_key_may_the_other_may_not(auth: AuthPlugin, make_exchange: Make) -> None:
    """Before and after the first was let in; the second's own model stays open to it."""
    for _ in range(3):
        auth.llmgate_pre_request(make_exchange(bearer(WIDE), model="lab/x"))
        with pytest.raises(PermissionDenied, match="lab/x"):
            auth.llmgate_pre_request(make_exchange(bearer(NARROW), model="lab/x"))
        auth.llmgate_pre_request(make_exchange(bearer(NARROW), model="fast"))


def test_one_model_says_nothing_of_another(auth: AuthPlugin, make_exchange: Make) -> None:
    """A refused model stays refused, however often it is asked for."""
    auth.llmgate_pre_request(make_exchange(bearer(WIDE), model="lab/x"))
    for model in ("lab", "lab/x"[:-2], "LAB/X", "dear/model"):
        for _ in range(2):
            with pytest.raises(PermissionDenied):
                auth.llmgate_pre_request(make_exchange(bearer(WIDE), model=model))


def test_fallbacks_are_checked_though_the_model_was_seen(auth: AuthPlugin, make_exchange: Make) -> None:
    """A model seen as a fallback, or beside one, opens nothing."""
    for _ in range(3):
        auth.llmgate_pre_request(make_exchange(bearer(WIDE), model="fast", extensions={"fallbacks": ["lab/x"]}))
        with pytest.raises(PermissionDenied, match="dear/model"):
            auth.llmgate_pre_request(
                make_exchange(bearer(WIDE), model="fast", extensions={"fallbacks": ["dear/model"]})
            )


def test_models_do_not_pile_up(auth: AuthPlugin, make_exchange: Make) -> None:
    """Clients make names up, also very long ones."""
    exchange = make_exchange(bearer(WIDE))
    for name in (*map(str, range(3000)), "x" * 10_000):
        exchange.request.model = f"lab/{name}"
        auth.llmgate_pre_request(exchange)
    (wide, _) = auth._clients.values()
    assert 0 < len(wide.seen) <= 1024
    assert max(map(len, wide.seen)) <= 256
