"""The contracts pass for a dialect and providers that keep them, and fail for those that break them."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from llmgate_core import (
    Call,
    Dialect,
    HttpProviderConfig,
    Key,
    KeyConfig,
    Losses,
    Provider,
    ProviderConfig,
    Secret,
    WireRequest,
)
from llmgate_core.messages import ChatRequest
from llmgate_core.request import Request
from llmgate_core.testing import DialectContract, LocalProviderContract, ProviderContract
from llmgate_core.testing.contracts.provider import VALUE
from llmgate_core.testing.plain import ParrotProvider, PlainDialect, PlainProvider, say, told, told_stream

HISTORY = [
    {"role": "system", "content": [{"type": "Text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
    {
        "role": "assistant",
        "content": [
            {"type": "Thinking", "text": "Hm.", "signature": "c2ln"},
            {"type": "ToolCall", "id": "call_1", "name": "weather", "arguments": '{"city": "Köln"}'},
        ],
    },
    {
        "role": "tool",
        "content": [{"type": "ToolResult", "call_id": "call_1", "content": [{"type": "Text", "text": "☔"}]}],
    },
]
TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
FULL = {
    **say("And now? \u2028", "m", tools=[TOOL], sampling={"temperature": 0.5, "stop": ["a", "b"]}),
    "messages": HISTORY + say()["messages"],
}
ERROR = {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}


class TestPlainDialect(DialectContract):
    """The kit's own dialect keeps the contract."""

    request_bodies = (FULL, say(model="m", stream=True, user="u"))
    response_bodies = (told("Bad weather, é.").body,)
    stream_bodies = (b"".join(chunk for chunk in told_stream("Bad weather, é.").chunks if isinstance(chunk, bytes)),)
    error_bodies = ((429, ERROR),)

    @pytest.fixture
    def dialect(self) -> Dialect:
        """The dialect under test."""
        return PlainDialect()


class TestPlainProvider(ProviderContract):
    """The kit's own provider keeps the contract."""

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider under test."""
        keys = [KeyConfig(Secret("sk-configured"))]
        return PlainProvider("lab", HttpProviderConfig(base_url="http://127.0.0.1:1/base/", keys=keys))


class TestParrotProvider(LocalProviderContract):
    """The kit's own local provider keeps the contract."""

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider under test."""
        return ParrotProvider("parrot", ProviderConfig())


# ── what breaks a contract ───────────────────────────────────────────────────────────────────────────────────────


class Forgetful(PlainDialect):
    """Loses the temperature and unknown fields, and tells nobody."""

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        """Without them."""
        sampling = attrs.evolve(chat.sampling, temperature=None)
        return super().write_request(attrs.evolve(chat, sampling=sampling, extra={}), model, losses)


class Meddling(PlainDialect):
    """Passes requests through with a field more."""

    def forward(self, request: Request, model: str) -> WireRequest:
        """With a field that nobody asked for."""
        return super().forward(request.with_field("x_extra", 1), model)


class Talkative(PlainProvider):
    """Shows its key in the URL."""

    def describe(self, call: Any) -> Any:
        """With the key where it may be logged."""
        request = super().describe(call)
        return (
            msgspec.structs.replace(request, url=f"{request.url}?key={call.key.secret.reveal()}")
            if call.key
            else request
        )


def test_silent_loss_is_found() -> None:
    """A field that is dropped without a word fails; one that is excused but not dropped fails as well."""
    contract = TestPlainDialect()
    with pytest.raises(AssertionError, match=r"'sampling\.temperature' is dropped, and nobody is told"):
        contract.test_nothing_is_lost_in_silence(Forgetful(), "sampling.temperature")
    contract.quiet = ("user",)  # type: ignore[misc]  # on this instance alone
    with pytest.raises(AssertionError, match="take it out of 'quiet'"):
        contract.test_nothing_is_lost_in_silence(PlainDialect(), "user")


def test_lost_field_is_found_in_round_trips() -> None:
    """A codec that forgets fields fails on its own samples."""
    contract = TestPlainDialect()
    with pytest.raises(AssertionError):
        contract.test_own_request_loses_nothing(Forgetful(), FULL)
    with pytest.raises((AssertionError, KeyError)):
        contract.test_unknown_field_is_carried(Forgetful(), FULL)


def test_changed_bytes_are_found() -> None:
    """A dialect that meddles with what it passes through fails."""
    contract = TestPlainDialect()
    for check in (contract.test_forward_keeps_the_bytes, contract.test_forward_changes_only_the_model):
        with pytest.raises(AssertionError):
            check(Meddling(), FULL)


def test_key_in_the_url_is_found() -> None:
    """A provider that shows its key fails."""
    contract = TestPlainProvider()
    provider = Talkative("lab", HttpProviderConfig(base_url="http://127.0.0.1:1"))
    calls = [Call("chat", PlainDialect(), "m", False, b"{}", key=Key(Secret(VALUE), "canary"))]
    with pytest.raises(AssertionError):
        contract.test_key_travels_in_a_header_only(provider, calls)
