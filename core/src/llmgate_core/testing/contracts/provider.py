"""What every provider must hold to. Subclass one of these in your tests and give the fixture ``provider``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import ClassVar
from urllib.parse import quote, urlsplit

import attrs
import msgspec
import pytest

from llmgate_core.assembly import Assembler
from llmgate_core.decisions import Key
from llmgate_core.dialect import Dialect
from llmgate_core.errors import NotFound
from llmgate_core.messages import ChatRequest, Message, Text
from llmgate_core.provider import Call, HttpProvider, LocalProvider, Provider, ProviderConfig
from llmgate_core.secrets import Secret
from llmgate_core.testing.canonical import plain_chat
from llmgate_core.testing.event_rules import check_events

from .stub import StubDialect

VALUE = "sk-CANARY/+=7f3a"
OURS = ("content-length", "host", "accept-encoding", "transfer-encoding", "connection")


class AnyProvider:
    """What holds for providers of both kinds."""

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider under test."""
        raise NotImplementedError("write a fixture named 'provider' that returns an instance of your provider")

    def test_names_are_well_formed(self, provider: Provider) -> None:
        """Its type, its dialects and the usual variable are names that a config can hold."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*", provider.type)
        assert [name for name in provider.dialects if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", name)] == []
        assert len(set(provider.dialects)) == len(provider.dialects)
        assert provider.usual_env is None or re.fullmatch(r"[A-Z][A-Z0-9_]*", provider.usual_env)

    def test_config_is_typed(self, provider: Provider) -> None:
        """The config class is an attrs class on top of the common one, with a default for each field."""
        assert issubclass(provider.config_class, ProviderConfig)
        assert isinstance(provider.config, provider.config_class)
        fields = attrs.fields(provider.config_class)
        assert [field.name for field in fields if field.default is attrs.NOTHING] == []

    def test_models_are_served(self, provider: Provider) -> None:
        """It serves what it lists, and not any name."""
        assert [model for model in provider.models if not provider.serves(model)] == []
        assert not provider.serves("no-such-model-anywhere")

    def test_instances_share_nothing(self, provider: Provider) -> None:
        """A second instance has the name it was given, and leaves the first as it was."""
        before = dict(vars(provider))
        other = type(provider)("another_name", provider.config)
        assert other.name == "another_name"
        assert vars(provider) == before


class ProviderContract(AnyProvider):
    """For a provider reached over HTTP. ``models`` are names to ask for; odd ones are added."""

    models: ClassVar[Sequence[str]] = ("some-model",)

    @pytest.fixture
    def dialects(self, provider: HttpProvider) -> Mapping[str, Dialect]:
        """The dialects it speaks, by name. Stubs, unless you have real ones at hand."""
        return {name: StubDialect.named(name) for name in provider.dialects}

    @pytest.fixture
    def calls(self, dialects: Mapping[str, Dialect]) -> list[Call]:
        """A chat in each dialect, for each model, streamed and not."""
        key = Key(Secret(VALUE), "canary")
        return [
            Call("chat", dialect, model, stream, b'{"a": 1}', {"x-of-the-dialect": "1"}, key)
            for dialect in dialects.values()
            for model in self.models
            for stream in (False, True)
        ]

    def test_speaks_something(self, provider: HttpProvider) -> None:
        """It is reached over HTTP and has a dialect (else use LocalProviderContract)."""
        assert isinstance(provider, HttpProvider)
        assert provider.dialects

    def test_goes_where_it_was_told(self, provider: HttpProvider, calls: list[Call]) -> None:
        """A call becomes a POST to an absolute URL under the base URL, with the body as it was written."""
        base = urlsplit(provider.base_url)
        assert base.scheme in {"http", "https"}
        assert base.netloc
        for call in calls:
            request = provider.describe(call)
            url = urlsplit(request.url)
            assert (request.method, url.scheme, url.netloc) == ("POST", base.scheme, base.netloc)
            assert url.path.startswith(base.path)
            assert url.fragment == ""
            assert request.body == call.body

    def test_headers_are_plain(self, provider: HttpProvider, calls: list[Call]) -> None:
        """Header names are lower-case, the dialect's own are there, and the core's are left to the core."""
        for call in calls:
            headers = provider.describe(call).headers
            assert headers["content-type"] == "application/json"
            assert headers["x-of-the-dialect"] == "1"
            assert [name for name in headers if name != name.lower() or name in OURS] == []
            assert [value for value in headers.values() if re.search(r"[\r\n\0]", value)] == []

    def test_key_travels_in_a_header_only(self, provider: HttpProvider, calls: list[Call]) -> None:
        """The key is in a header, never in the URL (which may be logged), nor in any text made of the objects."""
        for call in calls:
            request = provider.describe(call)
            assert [name for name, value in request.headers.items() if VALUE in value] != []
            for text in (request.url, repr(provider), str(provider), repr(call), repr(provider.config)):
                assert VALUE not in text
                assert quote(VALUE, safe="") not in text

    def test_configured_keys_stay_unseen(self, provider: HttpProvider) -> None:
        """No configured key stands in a text made of the provider or its config."""
        for key in provider.keys:
            for text in (repr(provider), repr(provider.config), repr(provider.keys), str(vars(provider))):
                assert key.secret.reveal() not in text

    def test_without_key_nothing_is_claimed(self, provider: HttpProvider, calls: list[Call]) -> None:
        """No key, no header that a key would have had."""
        for call in calls:
            with_key = {n: v for n, v in provider.describe(call).headers.items() if VALUE in v}
            without = provider.describe(msgspec.structs.replace(call, key=None)).headers
            assert set(with_key) & set(without) == set()

    def test_authorise_is_deterministic(self, provider: HttpProvider, calls: list[Call]) -> None:
        """The same call gives the same request."""
        key = Key(Secret(VALUE), "canary")
        assert provider.authorise(key) == provider.authorise(key)
        assert [provider.describe(call) for call in calls] == [provider.describe(call) for call in calls]

    def test_unknown_operation_is_told(self, provider: HttpProvider, calls: list[Call]) -> None:
        """An operation that the dialect has not is a 404."""
        for call in calls:
            with pytest.raises(NotFound):
                provider.describe(msgspec.structs.replace(call, operation="no_such_operation"))

    def test_configured_headers_are_sent(self, provider: HttpProvider, calls: list[Call]) -> None:
        """``headers`` of the config reach the provider."""
        config = attrs.evolve(provider.config, headers={"x-configured": "1"})
        other = type(provider)(provider.name, config)
        assert {other.describe(call).headers["x-configured"] for call in calls} == {"1"}


class LocalProviderContract(AnyProvider):
    """For a provider that answers in process. ``chats`` are asked; give some that your provider knows."""

    chats: ClassVar[Sequence[ChatRequest]] = (
        ChatRequest("some-model", (Message("user", (Text("Hello there."),)),)),
        plain_chat(),
    )

    def test_answers_in_process(self, provider: LocalProvider) -> None:
        """It needs no wire (else use ProviderContract)."""
        assert isinstance(provider, LocalProvider)

    @pytest.mark.asyncio
    async def test_events_are_well_formed(self, provider: LocalProvider) -> None:
        """Each answer follows the rules of events, and can be put together."""
        for chat in self.chats:
            assembler = Assembler()
            for event in check_events([event async for event in provider.answer(chat)]):
                assembler.add(event)
            assert assembler.response().choices

    @pytest.mark.asyncio
    async def test_two_answers_at_once_do_not_meet(self, provider: LocalProvider) -> None:
        """Answers of one instance share nothing."""
        first, second = provider.answer(self.chats[0]), provider.answer(self.chats[-1])
        found = [[await anext(first)], [await anext(second)]]
        found[0] += [event async for event in first]
        found[1] += [event async for event in second]
        for events in found:
            check_events(events)

    @pytest.mark.asyncio
    async def test_client_may_leave(self, provider: LocalProvider) -> None:
        """Closing the answer after its first event raises nothing and leaves nothing running."""
        for chat in self.chats:
            async with aclosing(provider.answer(chat)) as events:  # type: ignore[type-var]  # an async def with yield has aclose
                await anext(events)
