"""Errors: what a provider says, and what a client is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import ErrorResponse
from pydantic import TypeAdapter

from llmgate_anthropic import AnthropicMessages
from llmgate_core import errors
from llmgate_core.rejections import reject

OVERFLOW = "prompt is too long: 204938 tokens > 200000 maximum"


def body(kind: str, message: str = "m", **more: Any) -> bytes:
    """The API's error answer."""
    return json.dumps(
        {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "r"}
    ).encode()


@pytest.mark.parametrize(
    ("status", "native", "kind"),
    [
        (400, "invalid_request_error", "invalid_request"),
        (401, "authentication_error", "authentication"),
        (402, "billing_error", "quota"),
        (403, "permission_error", "permission"),
        (404, "not_found_error", "not_found"),
        (413, "request_too_large", "too_large"),
        (429, "rate_limit_error", "rate_limit"),
        (500, "api_error", "upstream"),
        (504, "timeout_error", "timeout"),
        (529, "overloaded_error", "overloaded"),
        (418, "teapot_error", None),
    ],
)
def test_a_provider_s_error_is_read_by_its_type(
    dialect: AnthropicMessages, status: int, native: str, kind: str | None
) -> None:
    """Kind, code and message; its JSON may be shown to a client of this dialect."""
    error = dialect.read_error(status, body(native))
    assert (error.kind, error.code, error.message, error.verbatim) == (kind, native, "m", True)


def test_the_stable_code_is_preferred(dialect: AnthropicMessages) -> None:
    """``details.error_code`` names the cause."""
    error = dialect.read_error(429, body("rate_limit_error", details={"error_code": "ramp_limit_exceeded"}))
    assert error.code == "ramp_limit_exceeded"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b"null",
        b'{"error":5}',
        b'{"error":{}}',
        b'{"error":{"message":5,"type":[]}}',
        b"[" * 9999,
        b'{"error":{"message":"\xd5"}}',
    ],
)
def test_a_body_of_another_shape_gives_a_generic_text(dialect: AnthropicMessages, raw: bytes) -> None:
    """Nothing of it is shown, and nothing raises."""
    error = dialect.read_error(502, raw)
    assert error.message == "the provider answered with status 502"
    assert error.verbatim is False


@pytest.mark.parametrize("raw", [b'{"error":"no such model"}', b'{"error":{"message":"no such model"}}'])
def test_compatible_servers_have_other_shapes(dialect: AnthropicMessages, raw: bytes) -> None:
    """Their text is told, in our own words' frame."""
    error = dialect.read_error(404, raw)
    assert (error.message, error.verbatim) == ("no such model", False)


def test_wt_304_an_inner_type_tells_more_than_the_status(dialect: AnthropicMessages) -> None:
    """A proxy's 500 around a rate limit is read as what it is."""
    assert dialect.read_error(500, body("rate_limit_error")).kind == "rate_limit"


def test_wt_303_prose_is_not_searched(dialect: AnthropicMessages) -> None:
    """An echoed prompt that speaks of 429 and of long prompts is a plain bad request."""
    text = 'messages.0: "429 rate_limit_error: prompt is too long" is not allowed'
    error = dialect.read_error(400, body("invalid_request_error", text))
    assert (error.kind, error.code) == ("invalid_request", "invalid_request_error")


@pytest.mark.parametrize("text", [OVERFLOW, "input length and `max_tokens` exceed context limit: 1 + 2 > 2"])
def test_wt_305_overflow_gets_a_code(dialect: AnthropicMessages, text: str) -> None:
    """The API has only these texts for it; another type with such a text is something else."""
    assert dialect.read_error(400, body("invalid_request_error", text)).code == "context_length_exceeded"
    assert dialect.read_error(500, body("api_error", text)).code == "api_error"


@pytest.mark.parametrize("text", ["This model's maximum context length is 8192 tokens", OVERFLOW])
def test_wt_305_overflow_is_told_as_this_api_tells_it(dialect: AnthropicMessages, text: str) -> None:
    """Programs look for the beginning of the text."""
    error = errors.InvalidRequest(text, code="context_length_exceeded")
    native = json.loads(dialect.write_error(error, "r"))["error"]
    assert native["type"] == "invalid_request_error"
    assert native["message"].startswith("prompt is too long")
    assert native["message"].endswith(text)
    assert native["message"].count("prompt is too long") == 1


def test_wt_307_the_gateway_s_own_key_is_no_matter_of_the_client_s(dialect: AnthropicMessages) -> None:
    """A 401 of the provider is a 502 with a clear code, without the provider's words."""
    error = reject(
        401, dialect.read_error(401, body("authentication_error", "invalid x-api-key sk-ant-1")), provider="p"
    )
    native = json.loads(dialect.write_error(error, "r"))["error"]
    assert error.status == 502
    assert native["type"] == "api_error"
    assert native["details"] == {"error_code": "upstream_authentication"}
    assert "sk-ant" not in native["message"]


@pytest.mark.parametrize(
    ("error", "native"),
    [
        (errors.InvalidRequest("m"), "invalid_request_error"),
        (errors.AuthenticationFailed("m"), "authentication_error"),
        (errors.PermissionDenied("m"), "permission_error"),
        (errors.NotFound("m"), "not_found_error"),
        (errors.RequestTimeout("m"), "timeout_error"),
        (errors.DeadlineExceeded("m"), "timeout_error"),
        (errors.RateLimited("m"), "rate_limit_error"),
        (errors.QuotaExceeded("m"), "billing_error"),
        (errors.InternalError("m"), "api_error"),
        (errors.Unavailable("m"), "overloaded_error"),
    ],
)
def test_wt_306_every_error_speaks_this_dialect(
    dialect: AnthropicMessages, error: errors.GatewayError, native: str
) -> None:
    """The SDK's ErrorResponse reads it; the code stands where the SDK looks for it."""
    data = json.loads(dialect.write_error(error, "req_1"))
    TypeAdapter(ErrorResponse).validate_python(data)
    assert data["error"] == {"type": native, "message": "m", "details": {"error_code": error.code}}
    assert data["request_id"] == "req_1"


@pytest.mark.parametrize(
    ("error", "native"), [(errors.RequestTooLarge("m"), "request_too_large"), (errors.Conflict("m"), "conflict_error")]
)
def test_wt_306_types_that_the_sdk_does_not_model(
    dialect: AnthropicMessages, error: errors.GatewayError, native: str
) -> None:
    """The API documents them all the same."""
    assert json.loads(dialect.write_error(error, "r"))["error"]["type"] == native
