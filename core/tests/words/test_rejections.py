"""A provider's error status as the client sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core import ProviderError
from llmgate_core.rejections import reject

SEEN = [
    (400, 400, "invalid_request"),
    (401, 502, "upstream"),
    (402, 503, "overloaded"),
    (403, 502, "upstream"),
    (404, 404, "invalid_request"),
    (408, 504, "timeout"),
    (409, 409, "conflict"),
    (413, 413, "too_large"),
    (422, 422, "invalid_request"),
    (429, 429, "rate_limit"),
    (500, 502, "upstream"),
    (501, 502, "upstream"),
    (502, 502, "upstream"),
    (503, 503, "overloaded"),
    (504, 504, "timeout"),
    (520, 502, "upstream"),
    (529, 503, "overloaded"),
]


@pytest.mark.parametrize(("told", "seen", "kind"), SEEN)
def test_status_is_mapped(told: int, seen: int, kind: str) -> None:
    """The client's own fault stays its own; ours and the provider's become a 5xx."""
    error = reject(told, ProviderError("x"), provider="one")
    assert (error.status, error.kind, error.upstream_status) == (seen, kind, told)
    assert error.code


@pytest.mark.parametrize("status", [401, 402, 403, 407])
def test_text_about_credentials_is_withheld(status: int) -> None:
    """What a provider says about our key may quote it."""
    error = reject(status, ProviderError("bad key sk-abc", verbatim=True), provider="one", body=b"sk-abc")
    assert "sk-abc" not in error.message
    assert "'one'" in error.message
    assert error.body is None


@pytest.mark.parametrize(("status", "kept"), [(400, True), (429, True), (503, True), (500, False), (529, False)])
def test_body_is_kept_where_the_status_is(status: int, *, kept: bool) -> None:
    """The provider's own JSON may be shown only under its own status."""
    error = reject(status, ProviderError("x", verbatim=True), provider="one", body=b"{}")
    assert (error.body == b"{}") is kept
    assert reject(status, ProviderError("x"), provider="one", body=b"<html>").body is None


def test_provider_knows_better() -> None:
    """A dialect's kind and code refine what the status says, as long as the status is shown."""
    error = reject(429, ProviderError("no money", kind="quota", code="insufficient_quota", param="p"), provider="one")
    assert (error.kind, error.code, error.param) == ("quota", "insufficient_quota", "p")
    assert reject(500, ProviderError("x", kind="quota"), provider="one").kind == "upstream"


@given(st.integers(400, 999))
def test_any_status_is_an_error(status: int) -> None:
    """Whatever a provider sends, the client gets an error status that exists."""
    assert 400 <= reject(status, ProviderError("x"), provider="one").status < 600


def test_wt_304_limit_in_an_envelope_is_a_limit() -> None:
    """A 5xx whose inner code says rate limit is 429 to everyone: rotation, retry, client."""
    error = reject(500, ProviderError("slow down", kind="rate_limit"), provider="one", retry_after=2)
    assert (error.status, error.kind, error.upstream_status, error.retry_after) == (429, "rate_limit", 429, 2)
