"""The part of the dialect contract about requests: read, carried over, passed through."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import attrs
import msgspec
import pytest
from hypothesis import given, settings

from llmgate_core.dialect import Dialect
from llmgate_core.errors import GatewayError, InvalidRequest
from llmgate_core.jsonfields import split_fields
from llmgate_core.messages import ChatRequest
from llmgate_core.testing.mutations import mutated
from llmgate_core.testing.wire_requests import as_bytes, client_request

from .base import DialectSamples, write

ROUTE = re.compile(r"(/([\w.:-]|\{\w+(:path)?\})+)+$")
HOSTILE = ("../../x", "a?b=c", "a#b", "a b", "a\r\nx: y", "a/../../b", "%2e%2e%2fx", "a@evil")


class RequestContract(DialectSamples):
    """``forward_changes`` names top-level fields that :meth:`Dialect.forward` adds or sets in a streamed request."""

    forward_changes: ClassVar[Sequence[str]] = ()

    def test_routes_are_well_formed(self, dialect: Dialect) -> None:
        """A dialect has a name and serves paths, each once, one of them a chat."""
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", dialect.name)
        assert [route.path for route in dialect.routes if not ROUTE.fullmatch(route.path)] == []
        assert {route.method for route in dialect.routes} <= {"GET", "POST"}
        assert len({(route.method, route.path) for route in dialect.routes}) == len(dialect.routes)
        assert "chat" in {route.operation for route in dialect.routes}

    def test_there_are_samples(self) -> None:
        """The contract is worth what its samples are worth."""
        assert self.request_bodies
        assert self.response_bodies
        assert self.error_bodies

    def test_head_is_read(self, dialect: Dialect, request_body: Any) -> None:
        """Model and stream are found without decoding the rest, as the canonical form has them too."""
        request = self.request_of(dialect, request_body)
        chat = request.canonical
        assert request.model
        assert (chat.model, chat.stream) == (request.model, request.stream)

    def test_request_without_model_is_refused(self, dialect: Dialect, request_body: Any) -> None:
        """Without a model (in the body or in the path) the answer is a 400 that names the field."""
        if "model" in self.path_params(stream=False):
            return
        body = {name: value for name, value in json.loads(as_bytes(request_body)).items() if name != "model"}
        with pytest.raises(InvalidRequest) as caught:
            client_request(dialect, body)
        assert caught.value.param == "model"

    def test_canonical_form_knows_where_it_comes_from(self, dialect: Dialect, request_body: Any) -> None:
        """The canonical form names its dialect, has messages of tuples, and is the same each time."""
        request = self.request_of(dialect, request_body)
        chat = dialect.read_request(request)
        assert chat.dialect == dialect.name
        assert chat.messages
        assert all(isinstance(message.content, tuple) for message in chat.messages)
        assert dialect.read_request(request) == chat

    def test_own_request_loses_nothing(self, dialect: Dialect, request_body: Any) -> None:
        """Read, written in its own dialect and read again, a request is what it was."""
        chat = self.request_of(dialect, request_body).canonical
        wire, losses = write(dialect, chat)
        assert losses.fields == ()
        again = self.request_of(dialect, wire.body, stream=chat.stream).canonical
        assert attrs.evolve(again, include_usage=chat.include_usage) == chat

    def test_same_request_gives_same_bytes(self, dialect: Dialect, request_body: Any) -> None:
        """Providers' prompt caches depend on it."""
        first = self.request_of(dialect, request_body).canonical
        second = self.request_of(dialect, request_body).canonical
        assert write(dialect, first)[0].body == write(dialect, second)[0].body
        assert write(dialect, first)[0].headers == write(dialect, second)[0].headers

    def test_model_is_the_one_of_the_target(self, dialect: Dialect, request_body: Any) -> None:
        """What is written names the model at the provider, not the one the client asked for."""
        chat = self.request_of(dialect, request_body).canonical
        wire, _ = write(dialect, chat, "model-over-there")
        again = self.request_of(dialect, wire.body, stream=chat.stream)
        assert again.model == ("model-over-there" if "model" in again.fields else chat.model)

    # ── passed through ───────────────────────────────────────────────────────────────────────────────────────────

    def test_forward_keeps_the_bytes(self, dialect: Dialect, request_body: Any) -> None:
        """When the model stays, a request goes on byte for byte (a streamed one: but for ``forward_changes``)."""
        request = self.request_of(dialect, request_body)
        body = dialect.forward(request, request.model).body
        if request.stream:
            assert self._unchanged(body) == self._unchanged(as_bytes(request_body))
        else:
            assert body == as_bytes(request_body)
        assert body == dialect.forward(request, request.model).body

    def test_forward_changes_only_the_model(self, dialect: Dialect, request_body: Any) -> None:
        """Another model's name is all that differs; an unknown field and odd spacing inside a value stay."""
        body = {**json.loads(as_bytes(request_body)), "x_unknown": {"a": [1, 2.50, None], "é": "\u2028"}}
        request = self.request_of(dialect, json.dumps(body, ensure_ascii=False).encode())
        forwarded = dialect.forward(request, "model-over-there").body
        before, after = self._unchanged(request.body or b""), self._unchanged(forwarded)
        if "model" in before:
            assert json.loads(after.pop("model")) == "model-over-there"
            del before["model"]
        assert after == before

    def test_forward_shows_only_named_headers(self, dialect: Dialect, request_body: Any) -> None:
        """A client's headers stay here, but for those the dialect names: its key above all."""
        sent = {"authorization": "Bearer k", "x-api-key": "k", "cookie": "c"}
        sent |= dict.fromkeys(dialect.forward_headers, "v")
        request = client_request(dialect, request_body, params=self._params(request_body), headers=sent)
        shown = dialect.forward(request, request.model).headers
        assert {"authorization", "x-api-key", "cookie"} & set(shown) == set()
        assert {name: shown.get(name) for name in dialect.forward_headers} == dict.fromkeys(
            dialect.forward_headers, "v"
        )

    def test_unknown_field_is_carried(self, dialect: Dialect, request_body: Any) -> None:
        """A field of tomorrow's API survives even the canonical form, on the way back to its own dialect."""
        body = {**json.loads(as_bytes(request_body)), "x_unknown": {"a": [1, None]}}
        wire, losses = write(dialect, self.request_of(dialect, body).canonical)
        assert losses.fields == ()
        assert json.loads(wire.body)["x_unknown"] == {"a": [1, None]}

    def _params(self, body: Any) -> Any:
        return self.path_params(stream=b'"stream":true' in as_bytes(body).replace(b" ", b""))

    def _unchanged(self, body: bytes) -> dict[str, bytes]:
        fields: dict[str, msgspec.Raw] = split_fields(body)
        return {name: bytes(raw) for name, raw in fields.items() if name not in self.forward_changes}

    # ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────

    def test_bad_request_is_a_clear_400(self, dialect: Dialect, request_body: Any) -> None:
        """Whatever stands where something else should: it is read, or refused as InvalidRequest; nothing else is raised."""

        @settings(max_examples=100, deadline=None)
        @given(mutated(json.loads(as_bytes(request_body))))
        def check(body: Any) -> None:
            try:
                chat = self.request_of(dialect, body).canonical
                write(dialect, chat)
            except InvalidRequest as error:
                assert error.message  # noqa: PT017  # either outcome is right

        check()

    def test_path_is_never_made_of_the_models_name(self, dialect: Dialect) -> None:
        """A hostile model name does not leave its segment of the URL."""
        assert dialect.path("no_such_operation", "m", False) is None
        assert (dialect.path("chat", "m", False) or "").startswith("/")
        for model in HOSTILE:
            try:
                path = dialect.path("chat", model, False) or ""
            except GatewayError:
                continue
            told = path.partition("?")[0]
            assert not re.search(r"/\.\./|[\s#@]|%2e%2e", told), f"model {model!r} gives the path {path!r}"
            assert path.count("?") <= 1

    def _chat(self, dialect: Dialect) -> ChatRequest:
        return self.request_of(dialect, self.request_bodies[0]).canonical
