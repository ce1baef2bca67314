"""The official SDK, a real gateway, and a scripted server that speaks the wire: what passes between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from llmgate_core.testing import Reply, ScriptedUpstream, ServeGateway, Stream
from llmgate_openai import OpenAIPlugin

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "served-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    "vendor_field": {"kept": True},
}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served-model"}
ASK: Any = {"model": "lab/llama", "messages": [{"role": "user", "content": "hi"}]}


def frame(*choices: Any, **fields: Any) -> bytes:
    """One frame with these choices."""
    return f"data: {json.dumps({**HEAD, 'choices': choices, **fields})}\n\n".encode()


def choice(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One choice of a chunk."""
    return {"index": 0, "delta": delta, "finish_reason": finish}


FRAMES = [
    frame(choice(role="assistant", content="")),
    frame(choice(content="Hel"), vendor_field=1),
    frame(choice(content="lo.")),
    frame(choice("stop")),
]
COUNTS = frame(usage=ANSWER["usage"])
DONE = b"data: [DONE]\n\n"


@asynccontextmanager
async def client_of(serve_gateway: ServeGateway, upstream: ScriptedUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK, pointed at a gateway that is pointed at ``upstream``."""
    lab = {"type": "openai", "base_url": f"{upstream.url}/v1", "keys": ["sk-upstream"], "models": ["llama"]}
    async with (
        serve_gateway({"providers": {"lab": lab}}, plugins=[OpenAIPlugin]) as server,
        openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="sk-client", max_retries=0) as client,
    ):
        yield client


async def test_whole_answer_is_passed_through(serve_gateway: ServeGateway) -> None:
    """The request arrives with our key and the target's model, unknown fields pass both ways."""
    with ScriptedUpstream(Reply.of(ANSWER, headers={"x-ratelimit-remaining-requests": "9"})) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            raw = await client.chat.completions.with_raw_response.create(**ASK, extra_body={"top_n_sigma": 1.5})
    assert json.loads(raw.content) == ANSWER
    assert raw.headers["x-ratelimit-remaining-requests"] == "9"
    (received,) = upstream.requests
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer sk-upstream"
    assert received.json == {**ASK, "model": "llama", "top_n_sigma": 1.5}


async def test_wt_290_stream_is_relayed_byte_for_byte(serve_gateway: ServeGateway) -> None:
    """All but the usage chunk, which the gateway asked for and the client did not."""
    with ScriptedUpstream(Stream([*FRAMES, COUNTS, DONE])) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            made = client.chat.completions.with_streaming_response.create(**ASK, stream=True)
            async with made as raw:
                body = await raw.read()
    assert body == b"".join([*FRAMES, DONE])
    assert upstream.requests[0].json["stream_options"] == {"include_usage": True}


async def test_client_that_asks_for_usage_gets_it(serve_gateway: ServeGateway) -> None:
    """Usage is in the last chunk, as the SDK wants it."""
    with ScriptedUpstream(Stream([*FRAMES, COUNTS, DONE])) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            stream = await client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
            chunks = [chunk async for chunk in stream]
    assert "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices) == "Hello."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 5


async def test_forgotten_end_marker_is_added(serve_gateway: ServeGateway) -> None:
    """A stream that told its finish reason is complete."""
    with ScriptedUpstream(Stream(FRAMES)) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            made = client.chat.completions.with_streaming_response.create(**ASK, stream=True)
            async with made as raw:
                assert await raw.read() == b"".join([*FRAMES, DONE])


@pytest.mark.parametrize(
    "broken", [b'data: {"choices": [\n\n', b'data: {"error": {"message": "busy", "code": 503}}\n\n']
)
async def test_broken_stream_ends_in_an_error_event(serve_gateway: ServeGateway, broken: bytes) -> None:
    """After content the SDK raises, instead of taking half an answer for a whole one."""
    with ScriptedUpstream(Stream([*FRAMES[:2], broken, DONE])) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            # the synchronous SDK: the other one leaves a generator that raised to the garbage collector
            with openai.OpenAI(base_url=client.base_url, api_key="sk-client", max_retries=0) as blocking:
                heard, error = await asyncio.to_thread(listen, blocking)
    assert heard == ["", "Hel"]
    assert error is not None


def listen(client: openai.OpenAI) -> tuple[list[str], openai.APIError | None]:
    """What is heard of a stream, and the error that ends it."""
    heard: list[str] = []
    try:
        for chunk in client.chat.completions.create(**ASK, stream=True):
            heard += [one.delta.content or "" for one in chunk.choices]
    except openai.APIError as error:
        return heard, error
    return heard, None


async def test_error_before_content_has_its_status(serve_gateway: ServeGateway) -> None:
    """A stream that begins with an error is no stream: the client gets the status it means."""
    error = b'data: {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}\n\n'
    with ScriptedUpstream(Stream([FRAMES[0], error])) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            with pytest.raises(openai.RateLimitError) as caught:
                await client.chat.completions.create(**ASK, stream=True)
    assert caught.value.code == "rate_limit_exceeded"


async def test_providers_own_error_is_shown(serve_gateway: ServeGateway) -> None:
    """A 400 keeps its body, which names the field."""
    kind = {"type": "invalid_request_error", "code": "context_length_exceeded"}
    error = {"message": "too long", "param": "messages", **kind}
    with ScriptedUpstream(Reply.of({"error": error}, status=400)) as upstream:
        async with client_of(serve_gateway, upstream) as client:
            with pytest.raises(openai.BadRequestError) as caught:
                await client.chat.completions.create(**ASK)
    assert caught.value.body == error
    assert caught.value.request_id


async def test_other_providers_answer_in_this_dialect(serve_gateway: ServeGateway) -> None:
    """A model that never heard of this wire, whole and streamed, with the SDK's own types; and the list of models."""
    ask: Any = {**ASK, "model": "parrot/any"}
    with ScriptedUpstream() as upstream:
        async with client_of(serve_gateway, upstream) as client:
            whole = await client.chat.completions.create(**ask)
            stream = await client.chat.completions.create(**ask, stream=True)
            said = "".join([c.delta.content or "" async for chunk in stream for c in chunk.choices])
            models = [model.id async for model in client.models.list()]
            one = await client.models.retrieve("lab/llama")
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == ("hi", "stop")
    assert said == "hi"
    assert {"lab/llama", "parrot/any"} <= set(models)
    assert one.owned_by == "lab"
