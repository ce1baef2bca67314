"""After which errors the next target is tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmgate_core import Exchange, Next, ProviderError, errors, upstream_errors
from llmgate_core.errors import GatewayError, InvalidRequest
from llmgate_core.rejections import reject
from llmgate_fallback import FallbackConfig, FallbackPlugin

Fail = Callable[..., Exchange]


def rejected(status: int, code: str | None = None, message: str = "no") -> GatewayError:
    """A provider's error answer."""
    return reject(status, ProviderError(message, code=code), provider="a")


@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 520, 529, 599])
def test_trouble_of_the_provider_moves_on(failed: Fail, status: int) -> None:
    """Its 5xx and limits, our key or our account there, a model it does not have."""
    assert FallbackPlugin().llmgate_on_error(failed("a/x", "b/x"), rejected(status)) == Next()


@pytest.mark.parametrize("status", [400, 405, 413, 415, 418, 422, 431])
def test_wt302_the_requests_own_fault_stays(failed: Fail, status: int) -> None:
    """Another provider would say the same."""
    assert FallbackPlugin().llmgate_on_error(failed("a/x", "b/x"), rejected(status)) is None


@pytest.mark.parametrize(
    "error",
    [
        upstream_errors.UpstreamConnectError,
        upstream_errors.UpstreamConnectTimeout,
        upstream_errors.UpstreamTlsError,
        upstream_errors.UpstreamOverloaded,
        upstream_errors.NoKeyAvailable,
        upstream_errors.UpstreamDisconnected,
        upstream_errors.UpstreamTimeout,
        upstream_errors.UpstreamBadResponse,
        upstream_errors.UpstreamRedirect,
        upstream_errors.UpstreamEmpty,
        upstream_errors.StreamInterrupted,
        upstream_errors.StreamIdleTimeout,
    ],
)
def test_the_way_to_the_provider_moves_on(failed: Fail, error: type[GatewayError]) -> None:
    """Every failure without a status, as the faults F02 to F63 want it."""
    assert FallbackPlugin().llmgate_on_error(failed("a/x", "b/x"), error("broken")) == Next()


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequest("x"),
        errors.UnsupportedField("x"),
        errors.NotFound("x"),
        errors.DeadlineExceeded("x"),
        errors.RateLimited("x"),
        errors.InternalError("x"),
        errors.PluginError("p", "h", "x"),
        RuntimeError("x"),
    ],
)
def test_the_gateways_own_errors_stay(failed: Fail, error: Exception) -> None:
    """A deadline that passed, a limit of our own, a bug: no other target mends them."""
    assert FallbackPlugin().llmgate_on_error(failed("a/x", "b/x"), error) is None


def test_behind_the_last_target_there_is_nothing(failed: Fail) -> None:
    """The error is answered."""
    plugin = FallbackPlugin()
    assert plugin.llmgate_on_error(failed("a/x"), rejected(500)) is None
    assert plugin.llmgate_on_error(failed("a/x", "b/x", at=1), rejected(500)) is None
    assert plugin.llmgate_on_error(failed("a/x", "b/x", "c/x", at=1), rejected(500)) == Next()


def test_wt303_texts_are_not_read(failed: Fail) -> None:
    """A prompt that says 429 inside a 400 changes nothing."""
    error = rejected(400, message="your prompt said: 429, context length, overloaded")
    plugin = FallbackPlugin(FallbackConfig(context_overflow=True))
    assert plugin.llmgate_on_error(failed("a/x", "b/x"), error) is None


def test_a_prompt_too_long_moves_on_only_when_told(failed: Fail) -> None:
    """F40: to a model with a larger context, by option, whatever status it came with."""
    told, untold = FallbackPlugin(FallbackConfig(context_overflow=True)), FallbackPlugin()
    for error in (rejected(400, "context_length_exceeded"), InvalidRequest("x", code="context_length_exceeded")):
        assert told.llmgate_on_error(failed("a/x", "b/x"), error) == Next()
        assert untold.llmgate_on_error(failed("a/x", "b/x"), error) is None


def test_statuses_and_kinds_are_configurable(failed: Fail) -> None:
    """What is not listed stays."""
    plugin = FallbackPlugin(FallbackConfig(statuses=[503, "4xx"], kinds=["timeout"]))
    moved = [
        status for status in (400, 429, 500, 503) if plugin.llmgate_on_error(failed("a/x", "b/x"), rejected(status))
    ]
    assert moved == [400, 429, 503]
    assert plugin.llmgate_on_error(failed("a/x", "b/x"), upstream_errors.UpstreamTimeout("x")) == Next()
    assert plugin.llmgate_on_error(failed("a/x", "b/x"), upstream_errors.UpstreamConnectError("x")) is None
