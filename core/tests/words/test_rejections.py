"""A provider's status as the client sees it."""

from __future__ import annotations

import pytest

from llmgate_core.rejections import reject
from llmgate_core.wirevalues import ProviderError

SECRET = "Incorrect API key provided: sk-canary"


@pytest.mark.parametrize(
    ("upstream", "seen", "kind"),
    [
        (400, 400, "invalid_request"),
        (401, 502, "upstream"),
        (402, 503, "overloaded"),
        (403, 502, "upstream"),
        (408, 504, "timeout"),
        (409, 409, "conflict"),
        (413, 413, "too_large"),
        (418, 418, "invalid_request"),
        (422, 422, "invalid_request"),
        (429, 429, "rate_limit"),
        (500, 502, "upstream"),
        (502, 502, "upstream"),
        (503, 503, "overloaded"),
        (504, 504, "timeout"),
        (520, 502, "upstream"),
        (529, 503, "overloaded"),
    ],
)
def test_status_and_kind(upstream: int, seen: int, kind: str) -> None:
    """The client's fault keeps its status; ours and the provider's become a 5xx."""
    error = reject(upstream, ProviderError("words"), provider="p")
    assert (error.status, error.kind, error.upstream_status) == (seen, kind, upstream)


@pytest.mark.parametrize("upstream", [401, 402, 403])
def test_f39_words_about_our_credentials_are_withheld(upstream: int) -> None:
    """What a provider says about our key may quote it."""
    error = reject(upstream, ProviderError(SECRET, verbatim=True), provider="p", body=SECRET.encode())
    assert "canary" not in error.message
    assert error.body is None


def test_f40_words_and_code_of_a_client_fault_are_kept() -> None:
    """A 400 is the client's to mend, so it learns all there is."""
    told = ProviderError("too long", code="context_length_exceeded", param="messages", verbatim=True)
    error = reject(400, told, provider="p", body=b"{}")
    assert (error.message, error.code, error.param, error.body) == ("too long", told.code, "messages", b"{}")


def test_wt_304_limit_in_an_envelope_is_a_limit() -> None:
    """A 5xx whose inner code says rate limit is 429 to everyone: rotation, retry, client."""
    error = reject(500, ProviderError("slow down", kind="rate_limit"), provider="p", retry_after=2)
    assert (error.status, error.kind, error.upstream_status, error.retry_after) == (429, "rate_limit", 429, 2)
