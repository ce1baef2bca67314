"""Whether a target is tried again, and when."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core import Exchange, ProviderError, Retry, Target, errors, upstream_errors
from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.rejections import reject
from llmgate_core.strict import MistakesFound, structure
from llmgate_retry import RetryConfig, RetryPlugin

Make = Callable[..., RetryPlugin]
Fail = Callable[..., Exchange]


def rejected(status: int, kind: ErrorKind | None = None, **fields: Any) -> GatewayError:
    """A provider's error answer."""
    return reject(status, ProviderError("no", kind), provider="a", **fields)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 529])
def test_wt302_what_passes_is_tried_again(make: Make, failed: Fail, status: int) -> None:
    """Limits, conflicts and the provider's own trouble."""
    assert make().llmgate_on_error(failed("a/x"), rejected(status)) == Retry(0.25)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 415, 418, 422])
def test_wt302_what_stays_is_not(make: Make, failed: Fail, status: int) -> None:
    """The same request would be refused again."""
    assert make().llmgate_on_error(failed("a/x"), rejected(status)) is None


@pytest.mark.parametrize(
    ("error", "alone", "with_others"),
    [
        (upstream_errors.UpstreamConnectError, True, True),
        (upstream_errors.UpstreamDisconnected, True, True),
        (upstream_errors.UpstreamBadResponse, True, True),
        (upstream_errors.UpstreamEmpty, True, True),
        (upstream_errors.StreamInterrupted, True, True),
        (upstream_errors.UpstreamConnectTimeout, True, False),
        (upstream_errors.UpstreamTimeout, True, False),
        (upstream_errors.UpstreamTlsError, False, False),
        (upstream_errors.UpstreamRedirect, False, False),
        (upstream_errors.UpstreamOverloaded, False, False),
        (errors.DeadlineExceeded, False, False),
        (errors.RateLimited, False, False),
        (errors.InvalidRequest, False, False),
        (errors.InternalError, False, False),
    ],
)
def test_failures_without_a_status(
    make: Make, failed: Fail, error: type[GatewayError], *, alone: bool, with_others: bool
) -> None:
    """The network's may pass; after a timeout another target is the better choice; the gateway's own never pass."""
    assert (make().llmgate_on_error(failed("a/x"), error("x")) is not None) is alone
    assert (make().llmgate_on_error(failed("a/x", "b/x"), error("x")) is not None) is with_others


def test_an_exception_that_is_no_gateway_error_is_nobodys_retry(make: Make, failed: Fail) -> None:
    """A bug stays a bug."""
    assert make().llmgate_on_error(failed("a/x"), RuntimeError("x")) is None


def test_x_should_retry_false_is_obeyed(make: Make, failed: Fail) -> None:
    """F38: the provider knows that it will not help."""
    assert make().llmgate_on_error(failed("a/x"), rejected(503, should_retry=False)) is None


def test_a_quota_that_is_used_up_does_not_come_back(make: Make, failed: Fail) -> None:
    """A 429 that is about money."""
    assert make().llmgate_on_error(failed("a/x"), rejected(429, "quota")) is None


def test_the_back_off_doubles_up_to_its_cap(make: Make, failed: Fail) -> None:
    """The roof of the jitter after each retry, and no overflow after many."""
    plugin, exchange = make(1.0, max_retries=100, base_delay=0.5, max_delay=3.0), failed("a/x")
    waits = [plugin.llmgate_on_error(exchange, rejected(500)) for _ in range(100)]
    assert waits[:5] == [Retry(0.5), Retry(1.0), Retry(2.0), Retry(3.0), Retry(3.0)]
    assert waits[99] == Retry(3.0)


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 2000))
def test_the_jitter_is_full(chance: float, retries: int) -> None:
    """From nothing to the roof, whatever was drawn and however often it was tried."""
    wait = RetryPlugin(RetryConfig(), rng=lambda: chance)._jitter(retries)
    assert 0 <= wait <= 8.0


def test_tries_are_counted_for_each_target(make: Make, failed: Fail, again: Callable[..., None]) -> None:
    """Two retries at the first target leave two for the second; another plugin's tries do not count."""
    plugin, exchange = make(max_retries=2), failed("a/x", "b/x")
    again(exchange, Target("a", "x"))
    assert [bool(plugin.llmgate_on_error(exchange, rejected(500))) for _ in range(3)] == [True, True, False]
    again(exchange, Target("b", "x"))
    assert [bool(plugin.llmgate_on_error(exchange, rejected(500))) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("asked", "wait"), [(2.0, 2.0), (0.1, 0.25), (0.0, 0.25), (None, 0.25), (30.0, 30.0), (30.1, None)]
)
def test_f29_retry_after_is_obeyed_or_too_long(
    make: Make, failed: Fail, asked: float | None, wait: float | None
) -> None:
    """Never sooner than asked; longer than max_wait is the client's to wait."""
    decision = make().llmgate_on_error(failed("a/x"), rejected(429, retry_after=asked))
    assert decision == (None if wait is None else Retry(wait))


def test_f29_with_others_left_patience_is_short(make: Make, failed: Fail) -> None:
    """A wait that is worth it for the last target is not while others may answer at once."""
    plugin = make(patience=1.0)
    assert plugin.llmgate_on_error(failed("a/x", "b/x"), rejected(429, retry_after=1.5)) is None
    assert plugin.llmgate_on_error(failed("a/x", "b/x"), rejected(429, retry_after=1.0)) == Retry(1.0)
    assert plugin.llmgate_on_error(failed("a/x"), rejected(429, retry_after=1.5)) == Retry(1.5)


def test_no_wait_reaches_the_deadline(make: Make, failed: Fail, clock: Any) -> None:
    """The one deadline covers back-off as well."""
    clock.now = 150.0
    assert make().llmgate_on_error(failed("a/x"), rejected(429, retry_after=9.9)) == Retry(9.9)
    assert make().llmgate_on_error(failed("a/x"), rejected(429, retry_after=10.0)) is None


def test_resting_keys_are_waited_for_when_they_say_how_long(make: Make, failed: Fail) -> None:
    """Keys that rest wake; keys that are not there do not."""
    waking = upstream_errors.NoKeyAvailable("x", retry_after=3.0)
    assert make().llmgate_on_error(failed("a/x"), waking) == Retry(3.0)
    assert make().llmgate_on_error(failed("a/x"), upstream_errors.NoKeyAvailable("x")) is None


def test_statuses_are_configurable(make: Make, failed: Fail) -> None:
    """What is not listed is not tried again."""
    plugin = make(statuses=[418, "5xx"])
    tried = [status for status in (418, 429, 500) if plugin.llmgate_on_error(failed("a/x"), rejected(status))]
    assert tried == [418, 500]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"statuses": [400]}, "never tried again"),
        ({"statuses": [200]}, "200 is no status"),
        ({"statuses": ["6xx"]}, "'6xx' is no status"),
        ({"max_retries": -1}, "max_retries"),
        ({"base_delay": float("inf")}, "base_delay must be 0 or more"),
        ({"budget_ratio": -0.1}, "budget_ratio must be 0 or more"),
    ],
)
def test_mistakes_in_the_config_are_told(config: dict[str, Any], told: str) -> None:
    """With the option and what it should be."""
    with pytest.raises(MistakesFound, match=told):
        structure(config, RetryConfig, "plugins.retry")


def test_a_family_of_statuses_leaves_out_what_is_never_tried() -> None:
    """ "4xx" is allowed and does not mean 400."""
    statuses = RetryConfig(statuses=["4xx"]).written_out()
    assert 429 in statuses
    assert not {400, 401, 403, 404, 413, 422} & statuses


def test_the_example_in_the_readme_is_a_config() -> None:
    """It can be pasted."""
    (block,) = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    assert structure(tomllib.loads(block)["plugins"]["retry"], RetryConfig, "plugins.retry").max_retries == 3
