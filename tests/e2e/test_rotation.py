"""Several keys: spread, rested after a limit, retired after a refusal, and never shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.ask import refused
from tests.e2e.wires import openai as wire
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from llmgate_core.testing import Answer, Received, ScriptedUpstream
    from tests.e2e.ask import Sdk

NAMES = ("spread", "limited", "refused", "forbidden", "empty", "tired", "picky", "quota")


@pytest.fixture(scope="module")
def more_config(openai_upstream: ScriptedUpstream) -> str:
    """A provider of two keys for each test, because what is learnt of a key lasts."""
    tables = [
        f'[providers.{name}]\ntype = "openai"\nbase_url = "{openai_upstream.url}/v1"\n'
        f'keys = ["sk-{name}-canary-1", "sk-{name}-canary-2"]\n'
        for name in NAMES
        if name != "picky"
    ]
    picky = f"""
[providers.picky]
type = "openai"
base_url = "{openai_upstream.url}/v1"
keys = [{{ env = "PICKY_KEY", models = ["small*"] }}, {{ env = "OTHER_KEY", models = ["big*"], name = "big" }}]
"""
    return '[gateway]\ndisable = ["retry", "fallback"]\n' + "".join(tables) + picky


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    """Keys from the environment."""
    return {"PICKY_KEY": "sk-picky-canary-1", "OTHER_KEY": "sk-picky-canary-2"}


def key_of(request: Received) -> str:
    """The last digit of the key that a request came with."""
    return request.headers["authorization"][-1]


def keyed(upstream: ScriptedUpstream, name: str, first: Answer) -> None:
    """Whoever comes with the first key gets ``first``; the second key works."""
    well = wire.says(Turn("Done."))
    upstream.play(respond=lambda received: first if received.headers["authorization"].endswith("1") else well(received))


def ask(sdk: Sdk, name: str, *, streamed: bool = False) -> str:
    """One question to the provider of that name."""
    return sdk.talk(f"{name}/gpt-4o").say("Well?").ask(streamed=streamed).text


def test_keys_share_the_load(sdk: Sdk, openai_upstream: ScriptedUpstream) -> None:
    """Over many requests both are used."""
    openai_upstream.play(respond=wire.says(Turn("Done.")))
    for _ in range(24):
        ask(sdk, "spread")
    assert set(Counter(map(key_of, openai_upstream.requests))) == {"1", "2"}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("limited", wire.error(429, **{"retry-after": "60"})),
        ("refused", wire.error(401, "Incorrect API key provided: sk-canary")),
        ("forbidden", wire.error(403)),
        ("quota", wire.error(429, "You exceeded your quota.", "insufficient_quota")),
    ],
)
def test_bad_key_is_set_aside(
    sdk: Sdk, openai_upstream: ScriptedUpstream, name: str, answer: Answer, *, streamed: bool
) -> None:
    """The client never notices; the bad key is met once at most in many requests, and not again."""
    keyed(openai_upstream, name, answer)
    for _ in range(12):
        assert ask(sdk, name, streamed=streamed) == "Done."
    assert Counter(map(key_of, openai_upstream.requests))["1"] <= 1


def test_all_keys_rest(openai_sdk: Sdk, openai_upstream: ScriptedUpstream) -> None:
    """When none is left, the client hears when the first one wakes, and the provider hears nothing."""
    openai_upstream.play(respond=lambda _: wire.error(429, **{"retry-after": "30"}))
    refused(openai_sdk.talk("tired/gpt-4o").say("Well?"), streamed=False)
    tried = len(openai_upstream.requests)
    assert sorted(map(key_of, openai_upstream.requests)) == ["1", "2"]
    error = refused(openai_sdk.talk("tired/gpt-4o").say("Well?"), streamed=False)
    assert len(openai_upstream.requests) == tried
    assert error.status_code in {429, 503}
    assert 1 <= int(error.response.headers["retry-after"]) <= 30
    assert "canary" not in error.response.text


def test_all_keys_refused(anthropic_sdk: Sdk, openai_upstream: ScriptedUpstream) -> None:
    """Keys that nobody accepts are the gateway's trouble: never a 401 for the client, and no word about them."""
    openai_upstream.play(respond=lambda _: wire.error(401, "Incorrect API key provided: sk-empty-canary-1"))
    for _ in range(2):
        error = refused(anthropic_sdk.talk("empty/gpt-4o").say("Well?"), streamed=False)
        assert error.status_code in {502, 503}
        assert "canary" not in error.response.text


def test_key_is_used_for_its_models(sdk: Sdk, openai_upstream: ScriptedUpstream) -> None:
    """A key that is meant for some models is taken for no other; one that nobody may use is told."""
    openai_upstream.play(respond=wire.says(Turn("Done.")))
    for model in ("small-1", "big-1") * 4:
        sdk.talk(f"picky/{model}").say("Well?").ask(streamed=False)
    assert [key_of(request) for request in openai_upstream.requests] == ["1", "2"] * 4
    assert refused(sdk.talk("picky/middle-1").say("Well?"), streamed=False).status_code in {403, 404, 502, 503}
    assert len(openai_upstream.requests) == 8
