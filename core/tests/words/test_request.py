"""Requests and answers are changed through one door; targets, keys and losses are plain values."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from llmgate_core import Key, Losses, Request, Response, Secret, Target
from llmgate_core.errors import InvalidRequest, UnsupportedField
from llmgate_core.jsonfields import split_fields
from llmgate_core.messages import ChatResponse, Choice, Message, Text
from llmgate_core.wirevalues import WireRequest

BODY = b'{"model":"m", "text":"hi","n":1.50}'


@pytest.fixture
def request_(toy: Any) -> Request:
    """A toy request as it came."""
    dialect = toy.ToyDialect()
    return Request(dialect, "chat", split_fields(BODY), model="m", stream=False, body=BODY, headers={"toy-beta": "b"})


def test_forwarded_as_it_came(request_: Request, toy: Any) -> None:
    """Bytes stay bytes while the model's name stays; the dialect's own headers go along."""
    wire = toy.ToyDialect().forward(request_, "m")
    assert (wire.body, wire.headers) == (BODY, {"toy-beta": "b"})
    assert toy.ToyDialect().forward(request_, "other").body == b'{"model":"other","text":"hi","n":1.50}'


def test_one_field_is_changed(request_: Request, toy: Any) -> None:
    """The other fields keep their spelling; the original is untouched."""
    changed = request_.with_field("text", "é").with_field("stream", value=True)
    assert (changed.body, changed.stream, changed.edited) == (None, True, False)
    assert toy.ToyDialect().forward(changed, "m").body == '{"model":"m","text":"é","n":1.50,"stream":true}'.encode()
    assert (request_.value("text"), request_.stream) == ("hi", False)
    assert toy.ToyDialect().forward(request_.without_field("n"), "m").body == b'{"model":"m","text":"hi"}'
    assert request_.with_field("model", "x").model == "x"


def test_a_field_without_which_it_is_no_request(request_: Request) -> None:
    """A change that breaks the request is refused like a client's."""
    with pytest.raises(InvalidRequest):
        request_.without_field("model")
    with pytest.raises(InvalidRequest):
        request_.with_field("stream", "yes")


def test_canonical_is_decoded_once(request_: Request) -> None:
    """Whoever asks gets the same value."""
    assert request_.canonical is request_.canonical
    assert request_.canonical.messages == (Message("user", (Text("hi"),)),)


def test_canonical_change(request_: Request) -> None:
    """Another content means that the request is written anew; raw fields are then out of reach."""
    changed = request_.with_canonical(attrs.evolve(request_.canonical, stream=True))
    assert (changed.edited, changed.stream, changed.body) == (True, True, None)
    assert request_.edited is False
    with pytest.raises(TypeError, match="change that one"):
        changed.with_field("n", 1)


def test_values_with_defaults(request_: Request) -> None:
    """A field that is not there gives the default."""
    assert (request_.value("n"), request_.value("none"), request_.value("none", 3)) == (1.5, None, 3)


def test_response_is_decoded_once(toy: Any) -> None:
    """The canonical form of a provider's bytes, and a change of it."""
    body = json.dumps({"id": "1", "model": "m", "text": "x", "finish": "stop"}).encode()
    response = Response(200, body, headers={"a": "b"}, dialect=toy.ToyDialect(), wire=WireRequest(b""))
    chat = response.canonical
    assert chat is not None
    assert chat is response.canonical
    assert response.edited is False
    changed = response.with_canonical(attrs.evolve(chat, id="2"))
    assert (changed.edited, changed.body, changed.headers) == (True, None, {"a": "b"})


def test_response_with_a_header(toy: Any) -> None:
    """One more header, everything else the same."""
    chat = ChatResponse("1", "m", (Choice(Message("assistant"), "stop"),))
    response = Response.of(chat, status=201).with_header("x-a", "b")
    assert (response.status, response.headers, response.edited, response.canonical) == (201, {"x-a": "b"}, True, chat)
    assert Response(200, b"raw").with_header("x-a", "b").body == b"raw"
    assert Response(200, b"raw").canonical is None


@pytest.mark.parametrize("text", ["", "a", "/", "a/", "/b"])
def test_target_needs_both_parts(text: str) -> None:
    """Provider, slash and model."""
    with pytest.raises(ValueError, match="is not 'provider/model'"):
        Target.parse(text)


def test_target_in_words() -> None:
    """A target is written as it is parsed; options are no part of what it is."""
    target = Target.parse("a/b/c")
    assert (str(target), target.provider, target.model) == ("a/b/c", "a", "b/c")
    assert hash(Target("a", "b", options={"x": 1})) == hash(Target("a", "b", options={"y": 2}))


@pytest.mark.parametrize(("models", "allowed"), [((), True), (("m",), True), (("m*", "x"), True), (("n*",), False)])
def test_key_allows_by_patterns(models: tuple[str, ...], *, allowed: bool) -> None:
    """No pattern allows every model."""
    assert Key(Secret("x"), "name", models=models).allows("m") is allowed


def test_losses_name_every_field() -> None:
    """All lost fields stand in one refusal, in the order they were met, each once."""
    losses = Losses()
    losses.refuse()
    assert not losses
    losses.add("b", "no such field")
    losses.add("a[0].c", "only text")
    losses.add("b", "said before")
    assert losses.fields == ("b", "a[0].c")
    with pytest.raises(UnsupportedField) as caught:
        losses.refuse()
    assert "b: no such field; a[0].c: only text" in caught.value.message
    assert caught.value.param == "b"
