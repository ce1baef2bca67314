"""What becomes of a key that failed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core import Key, Next, ProviderError, Retry, Secret
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import AttemptClass, NoKeyAvailable, UpstreamTimeout

Build = Callable[..., Any]


async def test_a_limit_rests_the_key_and_the_next_is_tried_at_once(bench: Build) -> None:
    """429 on the first key: the second in the same request, and for others until the first wakes."""
    one = await bench("a", "b")
    request = one.request()
    assert one.attempt(request) == "a"
    assert one.fail(request, 429, retry_after=20) == Retry(0.0)
    assert one.attempt(request) == "b"
    assert one.attempt(one.request()) == "b"
    assert one.states() == {"a": "resting", "b": "active"}


async def test_a_resting_key_wakes_at_its_time(bench: Build, clock: Any) -> None:
    """Not before the provider said, and then without ado."""
    one = await bench("a", "b")
    request = one.request()
    one.attempt(request)
    one.fail(request, 429, retry_after=20)
    clock.now += 19.9
    assert one.attempt(one.request()) == "b"
    clock.now += 0.1
    assert one.attempt(one.request()) == "a"
    assert one.states() == {"a": "active", "b": "active"}


async def test_when_all_rest_nobody_is_asked(bench: Build) -> None:
    """The last 429 says when the first key wakes; the next request fails at once with the same."""
    one = await bench("a", "b")
    request = one.request()
    one.attempt(request)
    one.fail(request, 429, retry_after=20)
    one.attempt(request)
    assert one.fail(request, 429, retry_after=30) is None
    assert request.attempt.error.retry_after == 20
    with pytest.raises(NoKeyAvailable, match="every key of provider 'vendor' rests") as caught:
        one.attempt(one.request())
    assert caught.value.retry_after == 20


async def test_all_resting_goes_on_to_the_next_target(bench: Build) -> None:
    """When there is one; else it is left to those who can wait."""
    one = await bench("a")
    error = NoKeyAvailable("x", retry_after=1.0)
    for plan, decision in (("vendor/m", "vendor/n"), Next()), (("vendor/m",), None):
        request = one.request(*plan)
        one.attempt(request)
        assert one.fail(request, error) == decision


async def test_retry_after_zero_does_not_turn_in_circles(bench: Build) -> None:
    """Each key is tried once at once; then someone else decides."""
    one = await bench("a", "b")
    request = one.request()
    tried = [one.attempt(request), one.fail(request, 429, 0.0), one.attempt(request), one.fail(request, 429, 0.0)]
    assert tried == ["a", Retry(0.0), "b", None]
    assert one.attempt(request) == "a"


async def test_a_limit_without_a_time_rests_longer_each_time(bench: Build, clock: Any) -> None:
    """1, 2, 4 seconds up to the most, and 1 again after the key has worked."""
    one = await bench("a", cool_down=1.0, max_cool_down=3.0)
    rests = []
    for _ in range(4):
        request = one.request()
        one.attempt(request)
        one.fail(request, 429)
        rests.append(request.attempt.error.retry_after)
        clock.now += rests[-1]
    assert rests == [1.0, 2.0, 3.0, 3.0]
    request = one.request()
    one.attempt(request)
    request.attempt.result = AttemptClass.OK
    one.plugin.llmgate_attempt_done(request, request.attempt)
    one.attempt(request)
    one.fail(request, 429)
    assert request.attempt.error.retry_after == 1.0


async def test_a_burst_of_limits_counts_once(bench: Build) -> None:
    """Fifty requests in flight hit the limit together: the rest does not grow fifty times, but obeys the longest time."""
    one = await bench("a")
    flying = [one.request() for _ in range(50)]
    for request in flying:
        one.attempt(request)
    for request in flying:
        one.fail(request, 429)
    assert flying[-1].attempt.error.retry_after == 1.0
    one.fail(flying[0], 429, retry_after=7)
    assert flying[0].attempt.error.retry_after == 7.0


async def test_a_limit_is_for_one_model(bench: Build) -> None:
    """Limits are per model: another model goes on with the same key."""
    one = await bench("a")
    request = one.request("vendor/big")
    one.attempt(request)
    one.fail(request, 429, 20)
    assert one.attempt(one.request("vendor/small")) == "a"
    with pytest.raises(NoKeyAvailable):
        one.attempt(one.request("vendor/big"))


async def test_a_limit_may_be_for_the_whole_key(bench: Build) -> None:
    """By option."""
    one = await bench("a", scope="key")
    request = one.request("vendor/big")
    one.attempt(request)
    one.fail(request, 429, 20)
    with pytest.raises(NoKeyAvailable):
        one.attempt(one.request("vendor/small"))


@pytest.mark.parametrize("status", [401, 402])
async def test_a_refused_key_is_retired_for_all_models(
    bench: Build, clock: Any, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """F39: no retry with it, the next key at once, one line in the log that names it and does not show it."""
    one = await bench("a", "b", retire_seconds=300)
    with caplog.at_level(logging.WARNING, "llmgate.key_rotation"):
        first, second = one.request(), one.request()
        for request in (first, second):
            one.attempt(request)
        for request in (first, second):
            assert one.fail(request, status) == Retry(0.0)
    assert one.attempt(one.request("vendor/other")) == "b"
    assert one.states() == {"a": "retired", "b": "active"}
    (record,) = caplog.records
    assert "key 'a' of provider 'vendor' is retired for 300 s" in record.getMessage()
    assert "sk-canary" not in caplog.text
    clock.now += 300
    assert one.attempt(one.request()) == "a"


async def test_a_key_forbidden_one_model_serves_the_others(bench: Build) -> None:
    """403: nobody can switch a key off by asking for what it may not."""
    one = await bench("a")
    request = one.request("vendor/secret")
    one.attempt(request)
    assert one.fail(request, 403) is None
    assert one.attempt(one.request("vendor/other")) == "a"
    with pytest.raises(NoKeyAvailable):
        one.attempt(one.request("vendor/secret"))


async def test_a_quota_that_is_used_up_retires_the_key(bench: Build) -> None:
    """A 429 about money does not pass in a second."""
    one = await bench("a")
    request = one.request()
    one.attempt(request)
    one.fail(request, reject(429, ProviderError("no", "quota"), provider="vendor"))
    assert one.states() == {"a": "retired"}


@pytest.mark.parametrize("error", [400, 404, 500, 529, UpstreamTimeout("x"), RuntimeError("x")])
async def test_other_errors_are_not_about_the_key(bench: Build, error: Any) -> None:
    """The key stays, and someone else decides."""
    one = await bench("a", "b")
    request = one.request()
    one.attempt(request)
    assert one.fail(request, error) is None
    assert one.states() == {"a": "active", "b": "active"}


async def test_an_old_success_does_not_wake_a_key(bench: Build) -> None:
    """A stream that began before the limit ends well during the rest."""
    one = await bench("a")
    before, hit = one.request(), one.request()
    one.attempt(before)
    one.attempt(hit)
    one.fail(hit, 429, 20)
    before.attempt.result = AttemptClass.OK
    one.plugin.llmgate_attempt_done(before, before.attempt)
    assert one.states() == {"a": "resting"}


async def test_names_of_models_do_not_pile_up(bench: Build, clock: Any) -> None:
    """Pauses long over are forgotten."""
    one = await bench("a")
    for number in range(1000):
        clock.now += 1.0
        request = one.request(f"vendor/{number}")
        one.attempt(request)
        one.fail(request, 429)
    (pauses,) = one.plugin._ring.pauses.values()
    assert len(pauses) <= 62


async def test_keys_of_one_name_are_one_series(bench: Build) -> None:
    """The gauge has each label set once, and shows the worse state."""
    one = await bench(Key(Secret("sk-1"), "twin"), Key(Secret("sk-2"), "twin"))
    request = one.request()
    one.attempt(request)
    one.fail(request, 429, 20)
    (gauge,) = one.plugin.gauges()
    labels = [tuple(label) for label, _ in gauge.read()]
    assert len(labels) == len(set(labels)) == 3
    assert one.states() == {"twin": "resting"}


async def test_the_gauge_never_shows_a_value(bench: Build) -> None:
    """Names, or fingerprints where there is none."""
    secret = Secret("sk-canary-unnamed")
    one = await bench(Key(secret, secret.fingerprint))
    (gauge,) = one.plugin.gauges()
    assert gauge.name == "llmgate_key_state"
    assert "sk-canary" not in repr(list(gauge.read()))
    assert one.states() == {secret.fingerprint: "active"}


async def test_two_gateways_share_nothing(bench: Build) -> None:
    """A key that rests in one works in the other."""
    one, two = await bench("a"), await bench("a")
    request = one.request()
    one.attempt(request)
    one.fail(request, 429, 20)
    assert two.attempt(two.request()) == "a"
