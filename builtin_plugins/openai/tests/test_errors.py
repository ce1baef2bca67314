"""Errors, read from providers and written for clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from openai.types.shared import ErrorObject

from llmgate_core import errors
from llmgate_core.errors import GatewayError
from llmgate_openai.errors import inner_status, rejection_within

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire


def body(**error: Any) -> bytes:
    """An error answer in the vendor's shape."""
    return msgspec.json.encode({"error": {"message": "m", "type": None, "param": None, "code": None, **error}})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"), (401, "authentication"), (403, "permission"), (404, "not_found"), (408, "timeout"),
        (409, "conflict"), (413, "too_large"), (422, "invalid_request"), (429, "rate_limit"), (500, "internal"),
        (503, "overloaded"), (504, "timeout"), (418, None), (502, None),
    ],
)  # fmt: skip
def test_kind_follows_the_status(wire: Wire, status: int, kind: str | None) -> None:
    """Each status has its kind; a status without one leaves it to the core."""
    error = wire.dialect.read_error(status, body())
    assert (error.kind, error.message, error.verbatim) == (kind, "m", True)


def test_code_and_param_are_kept(wire: Wire) -> None:
    """They are what programs look at."""
    error = wire.dialect.read_error(400, body(code="context_length_exceeded", param="messages"))
    assert (error.code, error.param, error.kind) == ("context_length_exceeded", "messages", "invalid_request")


def test_quota_is_no_rate_limit(wire: Wire) -> None:
    """Waiting does not bring money back."""
    assert wire.dialect.read_error(429, body(code="insufficient_quota")).kind == "quota"
    assert wire.dialect.read_error(429, body(type="insufficient_quota")).kind == "quota"


def test_wt_303_prose_is_never_a_reason(wire: Wire) -> None:
    """A prompt quoted in a 400 may hold any word."""
    text = "Invalid: 'error 429 context_length_exceeded insufficient_quota rate limit'"
    error = wire.dialect.read_error(400, body(message=text))
    assert (error.kind, error.code) == ("invalid_request", None)


def test_wt_304_inner_code_of_a_5xx(wire: Wire) -> None:
    """A proxy in front of the provider wrapped its 429."""
    for code in (429, "429", "rate_limit_exceeded"):
        assert wire.dialect.read_error(500, body(code=code)).kind == "rate_limit"
    assert wire.dialect.read_error(400, body(code=429)).kind == "invalid_request"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"error":"boom"}', "boom"),
        (b'{"object":"error","message":"boom","code":400}', "boom"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b"<html>bad gateway</html>", "the provider answered 502 without a readable error"),
        (b"", "the provider answered 502 without a readable error"),
        (b"\xff", "the provider answered 502 without a readable error"),
        (b'{"error":{"message":7}}', "the provider answered 502 without a readable error"),
        (b"[" * 100_000, "the provider answered 502 without a readable error"),
    ],
)
def test_other_shapes(wire: Wire, raw: bytes, message: str) -> None:
    """What servers and proxies in front of them send; a client never sees the body."""
    error = wire.dialect.read_error(502, raw)
    assert (error.message, error.verbatim) == (message, False)


def test_long_messages_are_cut(wire: Wire) -> None:
    """A message that quotes a whole prompt does not fill a log."""
    assert len(wire.dialect.read_error(400, body(message="x" * 100_000)).message) < 5000


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 503}, 503),
        ({"code": "503"}, 503),
        ({"status": 429}, 429),
        ({"status_code": 404}, 404),
        ({"code": None, "type": "overloaded_error"}, 503),
        ({"code": "context_length_exceeded", "type": "x"}, 400),
        ({"code": 200}, 500),
        ({"code": "99999"}, 500),
        ({"code": True}, 500),
        ({}, 500),
        (None, 500),
        ([429], 500),
    ],
)
def test_status_of_an_error_inside_a_200(error: Any, status: int) -> None:
    """What it would have been before the answer began."""
    assert inner_status(error) == status
    assert rejection_within(error).upstream_status == status


def test_wt_307_our_key_is_never_the_clients(wire: Wire) -> None:
    """A refused key of ours is our trouble, and its text stays here."""
    refused = rejection_within({"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"})
    assert refused.status == 502
    assert "sk-secret" not in refused.message


def is_plain(cls: Any) -> bool:
    """Whether it is one of the tree's classes that is made of a message."""
    return isinstance(cls, type) and issubclass(cls, GatewayError) and not issubclass(cls, errors.PluginError)


CLASSES = [cls for cls in vars(errors).values() if is_plain(cls)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: str(cls.__name__))
def test_wt_306_errors_have_the_vendors_shape(wire: Wire, cls: type[GatewayError]) -> None:
    """Every error is an object the official SDK's type accepts, before a stream and in it."""
    error = cls("what went wrong", param="messages[0]")
    whole = msgspec.json.decode(wire.dialect.write_error(error, "req-1"))
    assert set(whole) == {"error"}
    told = ErrorObject.model_validate(whole["error"], strict=True)
    assert (told.message, told.param, told.code) == ("what went wrong", "messages[0]", error.code)
    frame = wire.dialect.write_stream_error(error, "req-1")
    assert frame == b"data: " + wire.dialect.write_error(error, "req-1") + b"\n\n"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.InvalidRequest("x"), "invalid_request_error"),
        (errors.AuthenticationFailed("x"), "authentication_error"),
        (errors.PermissionDenied("x"), "permission_error"),
        (errors.NotFound("x"), "not_found_error"),
        (errors.RateLimited("x"), "rate_limit_error"),
        (errors.QuotaExceeded("x"), "insufficient_quota"),
        (errors.InternalError("x"), "server_error"),
        (errors.Unavailable("x"), "server_error"),
    ],
)
def test_types_of_errors(wire: Wire, error: GatewayError, kind: str) -> None:
    """The vendor's word for each kind."""
    assert msgspec.json.decode(wire.dialect.write_error(error, ""))["error"]["type"] == kind


def test_wt_305_context_overflow_keeps_its_code(wire: Wire) -> None:
    """The one code that programs look for, from whatever provider it came."""
    error = errors.InvalidRequest("too long", code="context_length_exceeded")
    assert msgspec.json.decode(wire.dialect.write_error(error, ""))["error"]["code"] == "context_length_exceeded"
