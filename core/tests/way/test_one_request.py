"""One request through the house: whole, streamed, relayed, translated, answered in process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core.testing import Reply, ScriptedUpstream, Stream

SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop", "usage": {"in": 3, "out": 1}}


async def test_local_provider_answers_whole(serve: Any, body: Callable[..., bytes]) -> None:
    """The events of an in-process provider are assembled when no stream is wanted."""
    gate = await serve()
    answer = await gate.post("/chat", body("parrot/small", "a b"))
    assert (answer.status, answer.json["text"], answer.json["model"]) == (200, "a b ", "small")
    (exchange,) = gate.log.exchanges
    assert (exchange.outcome, exchange.usage.input_tokens, exchange.finish_reason) == ("ok", 2, "stop")
    assert gate.log.results == ["ok"]


async def test_local_provider_streams(serve: Any, body: Callable[..., bytes]) -> None:
    """The same events become a stream of the client's dialect."""
    gate = await serve()
    answer = await gate.post("/chat", body("parrot/small", "a b", stream=True, usage=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.frames == [
        {"start": "local", "model": "small"},
        {"text": "a "},
        {"text": "b "},
        {"finish": "stop"},
        {"usage": {"in": 2, "out": 2}},
        "[END]",
    ]
    assert answer.complete
    assert gate.log.exchanges[0].usage.output_tokens == 2


async def test_same_dialect_is_transparent(serve: Any) -> None:
    """The provider gets the client's bytes with only the model's name changed; the client gets the provider's bytes."""
    reply = b'{ "id":"1","model":"m","text":"Hello","finish":"stop","unknown":[1.50] }'
    async with ScriptedUpstream(Reply(200, reply)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url, "keys": ["sk-1"]}})
        sent = b'{"model":"one/m","text":"h\\u00e9","odd":{"a":1.50}}'
        answer = await gate.post("/toy/chat", sent, {"toy-beta": "x", "x-private": "y"})
    assert answer.body == reply
    (request,) = upstream.requests
    assert request.body == sent.replace(b"one/m", b"m")
    assert request.path == "/chat"
    assert (request.headers["authorization"], request.headers["toy-beta"]) == ("Bearer sk-1", "x")
    assert "x-private" not in request.headers


async def test_unchanged_body_is_forwarded_byte_for_byte(serve: Any, plugin: Any, body: Callable[..., bytes]) -> None:
    """When even the model's name stays, white space and number spelling survive."""
    from llmgate_core import Target

    route = plugin(llmgate_select_provider=lambda self, targets: (Target("one", "m"),))
    async with ScriptedUpstream(Reply.of(SAID)) as upstream:
        gate = await serve(route, providers={"one": {"type": "toy", "base_url": upstream.url}})
        sent = b'{ "model" : "m",  "text":"x", "n": 1.0e0 }'
        await gate.post("/chat", sent)
    assert upstream.requests[0].body == sent


async def test_stream_is_relayed_untouched(serve: Any, toy: Any, body: Callable[..., bytes]) -> None:
    """Frames of the same dialect pass as they came, unknown ones too; usage that only we asked for stays here."""
    frames = [
        b": hello\n\n",
        toy.frame(start="1", model="m"),
        b'event: odd\ndata: {"text" : "H\xc3\xa9"}\r\n\r\n',
        b'data: {"unknown":1}\n\n',
        toy.frame(finish="stop"),
        toy.frame(usage={"in": 3, "out": 2}),
        toy.END,
    ]
    async with ScriptedUpstream(Stream(frames)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        answer = await gate.post("/chat", body("one/m", stream=True))
    assert answer.body == b"".join(frames[:5]) + toy.END
    assert gate.log.exchanges[0].usage.output_tokens == 2
    assert gate.log.exchanges[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
async def test_other_dialect_is_translated(serve: Any, toy: Any, *, stream: bool) -> None:
    """An odd client is served by a toy provider, and each sees its own words only."""
    frames = [toy.frame(start="1", model="m"), toy.frame(text="Hel"), toy.frame(text="lo"), toy.frame(finish="stop")]
    reply = Stream([*frames, toy.frame(usage={"in": 3, "out": 1}), toy.END]) if stream else Reply.of(SAID)
    async with ScriptedUpstream(reply) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        sent = json.dumps({"model": "one/m", "say": "hi", "stream": stream}).encode()
        answer = await gate.post("/say", sent)
    assert upstream.requests[0].json == {"model": "m", "text": "hi", "stream": stream, "usage": True}
    if stream:
        told = [{"start": "1", "model": "m"}, {"say": "Hel"}, {"say": "lo"}, {"finish": "stop"}, "[END]"]
        assert answer.frames == told
    else:
        assert answer.json == {"id": "1", "model": "m", "say": "Hello", "finish": "stop", "usage": SAID["usage"]}
    assert gate.log.exchanges[0].usage.input_tokens == 3


async def test_loss_is_refused_by_name(serve: Any) -> None:
    """A field that the provider's format cannot carry is a 400 that names it, and nothing is sent."""
    async with ScriptedUpstream() as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        answer = await gate.post("/say", json.dumps({"model": "one/m", "say": "hi", "seed": 1}).encode())
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "unsupported_parameter", "seed")
    assert upstream.requests == []


async def test_loss_is_dropped_and_reported(serve: Any) -> None:
    """With ``unsupported = "drop"`` the request goes on without the field, and a header says so."""
    async with ScriptedUpstream(Reply.of(SAID)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}}, unsupported="drop")
        answer = await gate.post("/say", json.dumps({"model": "one/m", "say": "hi", "seed": 1, "top": 2}).encode())
    assert (answer.status, answer.headers["x-llmgate-dropped"]) == (200, "seed, top")
    assert "seed" not in upstream.requests[0].json


async def test_only_known_provider_headers_are_relayed(serve: Any, body: Callable[..., bytes]) -> None:
    """Of the provider's headers a client sees those of its dialect; cookies and servers' names stay here."""
    headers = {"x-toy": "1", "x-toy-limit": "2", "set-cookie": "a=b", "server": "theirs", "x-request-id": "theirs"}
    async with ScriptedUpstream(Reply.of(SAID, headers=headers)) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        answer = await gate.post("/chat", body("one/m"))
    assert (answer.headers["x-toy"], answer.headers["x-toy-limit"]) == ("1", "2")
    assert "set-cookie" not in answer.headers
    assert answer.headers["server"] == "llmgate"
    assert answer.headers["x-request-id"] == gate.log.exchanges[0].id
