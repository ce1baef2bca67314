"""A client that leaves takes its upstream along, in every phase, within 250 ms."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from llmgate_core.testing import Gate, Stall
from tests.e2e.ask import OpenAISdk
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.ask import AnthropicSdk, Sdk
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess

WITHIN = 0.25
LONG = Turn("One two three four five six.")
KEPT = {"openai": 4, "anthropic": 5}  # frames before the gate: some words have come


def ask(client: Any, model: str, *, stream: bool) -> Any:
    """The same question through either SDK's own method (and an awaitable of it through an asynchronous client)."""
    messages: Any = [{"role": "user", "content": "Count."}]
    if isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        return client.chat.completions.create(model=model, messages=messages, stream=stream)
    return client.messages.create(model=model, messages=messages, max_tokens=99, stream=stream)


def has_text(event: Any) -> bool:
    """Whether a chunk or an event brings text."""
    choices = getattr(event, "choices", None)
    if choices is not None:
        return bool(choices and choices[0].delta.content)
    return bool(event.type == "content_block_delta" and event.delta.text)


def test_closing_a_stream_closes_the_upstream(sdk: Any, provider: ScriptedProvider) -> None:
    """In the middle of a stream, the moment the client's connection ends the provider's does."""
    provider.gated(LONG, Gate(), KEPT[provider.name])
    with sdk.client() as client:
        stream = ask(client, provider.target, stream=True)
        next(event for event in stream if has_text(event))
        (request,) = provider.upstream.requests
        assert not request.left.done()
        left_at = time.monotonic()
        stream.close()
    assert request.wait_left() - left_at < WITHIN


def test_cancelling_a_task_closes_the_upstream(sdk: Any, provider: ScriptedProvider) -> None:
    """An asynchronous client whose task is cancelled in the middle of a stream leaves as well."""
    provider.gated(LONG, Gate(), KEPT[provider.name])

    async def listen(heard: asyncio.Event) -> None:
        async with sdk.async_client() as client:
            async for event in await ask(client, provider.target, stream=True):
                if has_text(event):
                    heard.set()

    async def leave() -> float:
        heard = asyncio.Event()
        task = asyncio.create_task(listen(heard))
        await heard.wait()
        left_at = time.monotonic()
        task.cancel()
        await asyncio.wait([task])
        return left_at

    left_at = asyncio.run(leave())
    assert provider.upstream.requests[0].wait_left() - left_at < WITHIN


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_giving_up_before_the_answer_closes_the_upstream(
    sdk: Any, provider: ScriptedProvider, *, streamed: bool
) -> None:
    """While the provider has not said a word, the client's leaving reaches it too."""
    provider.upstream.play(Stall())

    async def leave() -> float:
        async with sdk.async_client() as client:
            task = asyncio.ensure_future(ask(client, provider.target, stream=streamed))
            await asyncio.to_thread(provider.upstream.wait_for, 1)
            left_at = time.monotonic()
            task.cancel()
            await asyncio.wait([task])
        return left_at

    left_at = asyncio.run(leave())
    assert provider.upstream.requests[0].wait_left() - left_at < WITHIN


def test_leaving_before_content_closes_the_upstream(sdk: Any, provider: ScriptedProvider) -> None:
    """In the hold-back too, when the provider has sent its head and nothing worth telling."""
    provider.gated(LONG, Gate(), 1)

    async def leave() -> float:
        async with sdk.async_client() as client:
            task = asyncio.ensure_future(ask(client, provider.target, stream=True))
            await asyncio.to_thread(provider.upstream.wait_for, 1)
            await asyncio.sleep(0.05)  # the provider's first frame is on its way
            left_at = time.monotonic()
            task.cancel()
            await asyncio.wait([task])
        return left_at

    left_at = asyncio.run(leave())
    assert provider.upstream.requests[0].wait_left() - left_at < WITHIN


def test_leaving_ends_tries(gateway: GatewayProcess, sdk: Sdk, provider: ScriptedProvider) -> None:
    """A client that leaves while the gateway waits for another try is not tried for again."""
    provider.upstream.play(provider.wire.error(503, **{"retry-after-ms": "400"}), Stall())
    impatient: type[Any] = type(sdk)
    short = impatient(gateway.url, timeout=0.2)
    with short.client() as client, pytest.raises((openai.APITimeoutError, anthropic.APITimeoutError)):
        ask(client, provider.target, stream=False)
    time.sleep(0.6)
    assert len(provider.upstream.requests) == 1


def test_others_go_on(sdk: Sdk, openai_sdk: OpenAISdk, anthropic_sdk: AnthropicSdk, provider: ScriptedProvider) -> None:
    """Another stream of the same provider is not disturbed by one that was left."""
    gate = Gate()
    provider.gated(LONG, gate, KEPT[provider.name])
    stays, leaves = openai_sdk.client(), anthropic_sdk.client()
    with stays, leaves:
        stream, other = (ask(client, provider.target, stream=True) for client in (stays, leaves))
        next(event for event in other if has_text(event))
        other.close()
        gate.open()
        text = "".join(event.choices[0].delta.content or "" for event in stream if has_text(event))
    assert text == LONG.text
