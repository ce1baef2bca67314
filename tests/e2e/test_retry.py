"""Trying again: what is tried, how often, when, and what the SDKs are told about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmgate_core.testing import CloseWithoutReply, Reply, Reset, Stream
from tests.e2e.ask import refused
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from llmgate_core.testing import Answer
    from tests.e2e.ask import Sdk
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess


@pytest.fixture(scope="module")
def more_config() -> str:
    """Three tries in all, quickly; keys never rest."""
    return """
[gateway]
disable = ["key_rotation", "fallback"]
[plugins.retry]
max_retries = 2
base_delay = 0.01
max_delay = 0.02
max_wait = 1.0
"""


def then_well(provider: ScriptedProvider, *first: Answer) -> None:
    """Let the provider fail first, and answer then."""
    provider.upstream.play(*first, respond=provider.wire.says(Turn("At last.")))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_status_is_tried_again(sdk: Sdk, provider: ScriptedProvider, status: int, *, streamed: bool) -> None:
    """What may pass is tried again, and the client sees one good answer."""
    then_well(provider, provider.wire.error(status), provider.wire.error(status))
    assert sdk.talk(provider.target).say("Well?").ask(streamed=streamed).text == "At last."
    first, second, third = provider.upstream.requests
    assert first.body == second.body == third.body


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_status_is_not_tried_again(sdk: Sdk, provider: ScriptedProvider, status: int) -> None:
    """What cannot pass is told at once."""
    then_well(provider, provider.wire.error(status))
    refused(sdk.talk(provider.target).say("Well?"), streamed=False)
    assert len(provider.upstream.requests) == 1


@pytest.mark.parametrize("answer", [Reset(), CloseWithoutReply(), Reply(200, b"{")], ids=["reset", "empty", "broken"])
def test_unclear_end_is_tried_once_more(
    sdk: Sdk, provider: ScriptedProvider, answer: Answer, *, streamed: bool
) -> None:
    """A request that may have been served already is repeated once."""
    then_well(provider, answer)
    assert sdk.talk(provider.target).say("Well?").ask(streamed=streamed).text == "At last."
    assert len(provider.upstream.requests) == 2


def test_unclear_end_is_not_tried_for_ever(sdk: Sdk, provider: ScriptedProvider) -> None:
    """The second unclear end is the answer, though tries are left (a pooled connection that broke does not count)."""
    then_well(provider, Reset(), Reset(), Reset())
    error = refused(sdk.talk(provider.target).say("Well?"), streamed=False)
    assert error.status_code == 502
    assert len(provider.upstream.requests) in {2, 3}


def test_tries_end(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """After the last try the last error is told, with the word that it was tried."""
    then_well(provider, *[provider.wire.error(503, f"Busy {number}.") for number in (1, 2, 3)])
    error = refused(sdk.talk(provider.target).say("Well?"), streamed=streamed)
    assert "Busy 3." in str(error)
    assert error.response.headers["x-should-retry"] == "false"
    assert len(provider.upstream.requests) == 3


def test_sdk_obeys(sdk: Sdk, provider: ScriptedProvider, gateway: GatewayProcess) -> None:
    """An SDK with tries of its own does not multiply the gateway's."""
    then_well(provider, *[provider.wire.error(503) for _ in range(3)])
    stubborn: type[Any] = type(sdk)
    refused(stubborn(gateway.url, max_retries=2).talk(provider.target).say("Well?"), streamed=False)
    assert len(provider.upstream.requests) == 3


def test_providers_wait_is_kept(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A provider that names a time is not asked before it: by its own clock, which both requests are stamped with."""
    then_well(provider, provider.wire.error(429, **{"retry-after-ms": "300", "retry-after": "30"}))
    assert sdk.talk(provider.target).say("Well?").ask(streamed=False).text == "At last."
    first, second = provider.upstream.requests
    assert second.at - first.at >= 0.3


def test_long_wait_is_the_clients(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A wait longer than allowed is told to the client instead."""
    # Longer than the SDKs here have patience, so that they would not see the end of it; shorter than the request's deadline.
    then_well(provider, provider.wire.error(429, **{"retry-after": "300"}))
    error = refused(sdk.talk(provider.target).say("Well?"), streamed=False)
    assert error.status_code == 429
    assert error.response.headers["retry-after"] == "300"
    assert len(provider.upstream.requests) == 1


def test_provider_that_says_no_is_obeyed(sdk: Sdk, provider: ScriptedProvider) -> None:
    """`x-should-retry: false` of the provider ends it."""
    then_well(provider, provider.wire.error(503, **{"x-should-retry": "false"}))
    refused(sdk.talk(provider.target).say("Well?"), streamed=False)
    assert len(provider.upstream.requests) == 1


def test_stream_that_breaks_before_content_is_tried_again(sdk: Sdk, provider: ScriptedProvider) -> None:
    """Lifecycle frames are held back: the client sees one stream with one start."""
    begun = provider.wire.stream(Turn("x"), {"model": provider.model}).chunks[:1]
    then_well(provider, Stream(begun, ending="reset"))
    assert sdk.talk(provider.target).say("Well?").ask(streamed=True).text == "At last."
    assert len(provider.upstream.requests) == 2


def test_keep_alive_race_is_not_seen(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A pooled connection that the provider has just closed is replaced by a fresh one, as often as it happens."""
    quick = Reply.of(provider.wire.whole(Turn("Answer 0."), provider.model))
    provider.upstream.play(Reply(200, quick.body, close=True), Reply(200, quick.body, close=True), quick)
    for _ in range(3):
        assert sdk.talk(provider.target).say("Well?").ask(streamed=False).text == "Answer 0."
