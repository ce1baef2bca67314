"""A real gateway with this plugin alone: the official SDK before it, a scripted provider behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from attrs import evolve

from llmgate_anthropic import AnthropicPlugin
from llmgate_core import Exchange, Plugin, Request, Target
from llmgate_core.messages import Text
from llmgate_core.testing import Reply, ScriptedUpstream, Stream
from llmgate_core.testing.gateway import ServeGateway

ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "Rain."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2},
    "brand_new": {"x": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Rain."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
ASK: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


class Straight(Plugin):
    """Sends every request to the one provider."""

    def llmgate_select_provider(self, exchange: Exchange, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The model by its own name."""
        return (Target("up", exchange.model),)


class Shout(Plugin):
    """A guardrail: changes the request by its canonical form."""

    def llmgate_transform_request(self, exchange: Exchange, request: Request) -> Request:
        """Every text in capitals."""
        chat = request.canonical
        messages = tuple(
            evolve(m, content=tuple(evolve(b, text=b.text.upper()) if isinstance(b, Text) else b for b in m.content))
            for m in chat.messages
        )
        return request.with_canonical(evolve(chat, messages=messages))


def config(upstream: ScriptedUpstream) -> dict[str, Any]:
    """One provider."""
    return {"providers": {"up": {"type": "anthropic", "base_url": upstream.url, "keys": ["sk-up"]}}}


def client(url: str) -> anthropic.AsyncAnthropic:
    """The SDK, which does not try again."""
    return anthropic.AsyncAnthropic(base_url=url, api_key="sk-client", max_retries=0)


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
async def test_an_answer_passes_untouched(serve_gateway: ServeGateway, prefix: str) -> None:
    """At the native path and below the prefix; the client's key stays here, and ours goes there."""
    with ScriptedUpstream(Reply.of(ANSWER, headers={"anthropic-ratelimit-requests-remaining": "7"})) as upstream:
        async with (
            serve_gateway(config(upstream), plugins=[Straight, AnthropicPlugin], plain=False) as server,
            client(server.url + prefix) as sdk,
        ):
            raw = await sdk.messages.with_raw_response.create(**ASK, extra_body={"x_new": [1]})
            message = await raw.parse()
        (sent,) = upstream.requests
    assert message.to_dict() == ANSWER
    assert raw.headers["request-id"]
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "7"
    assert sent.path == "/v1/messages"
    assert sent.json == {**ASK, "x_new": [1]}
    assert sent.headers["x-api-key"] == "sk-up"
    assert "authorization" not in sent.headers
    assert sent.headers["anthropic-version"]


async def test_a_stream_passes_untouched(serve_gateway: ServeGateway, as_sse: Callable[..., bytes]) -> None:
    """And the SDK puts it together."""
    with ScriptedUpstream(Stream([as_sse(EVENTS)])) as upstream:
        async with (
            serve_gateway(config(upstream), plugins=[Straight, AnthropicPlugin], plain=False) as server,
            client(server.url) as sdk,
            sdk.messages.stream(**ASK) as stream,
        ):
            message = await stream.get_final_message()
    assert message.content[0].to_dict() == {"type": "text", "text": "Rain."}
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 2)


async def test_a_changed_request_keeps_what_was_not_changed(serve_gateway: ServeGateway) -> None:
    """Written anew: other fields, version and beta flags are the client's."""
    ask = {**ASK, "system": "be kind", "metadata": {"user_id": "u"}, "service_tier": "auto"}
    with ScriptedUpstream(Reply.of(ANSWER)) as upstream:
        async with (
            serve_gateway(config(upstream), plugins=[Straight, Shout, AnthropicPlugin], plain=False) as server,
            client(server.url) as sdk,
        ):
            await sdk.messages.create(**ask, extra_headers={"anthropic-beta": "x-1"}, extra_body={"x_new": [1]})
            version = sdk.default_headers["anthropic-version"]
        (sent,) = upstream.requests
    assert sent.json == {
        **ask,
        "x_new": [1],
        "system": [{"type": "text", "text": "BE KIND"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "HI"}]}],
    }
    assert (sent.headers["anthropic-beta"], sent.headers["anthropic-version"]) == ("x-1", version)


@pytest.mark.parametrize(
    ("status", "native", "raised"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.InternalServerError),
        (413, "request_too_large", anthropic.ContentTooLargeError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (529, "overloaded_error", anthropic.ServiceUnavailableError),
    ],
)
async def test_errors_are_the_sdk_s(
    serve_gateway: ServeGateway, status: int, native: str, raised: type[anthropic.APIStatusError]
) -> None:
    """Each status is the exception that the SDK has for it; our own key's refusal is not the client's."""
    body = {"type": "error", "error": {"type": native, "message": "no"}}
    with ScriptedUpstream(Reply.of(body, status)) as upstream:
        async with (
            serve_gateway(config(upstream), plugins=[Straight, AnthropicPlugin], plain=False) as server,
            client(server.url) as sdk,
        ):
            with pytest.raises(raised) as caught:
                await sdk.messages.create(**ASK)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["type"] == "error"
    assert caught.value.request_id


async def test_an_error_first_in_a_stream_has_a_status(
    serve_gateway: ServeGateway, as_sse: Callable[..., bytes]
) -> None:
    """Held back until there is content: the client sees no 200."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    with ScriptedUpstream(Stream([as_sse([EVENTS[0], error])])) as upstream:
        async with (
            serve_gateway(config(upstream), plugins=[Straight, AnthropicPlugin], plain=False) as server,
            client(server.url) as sdk,
        ):
            with pytest.raises(anthropic.ServiceUnavailableError):
                await sdk.messages.create(**ASK, stream=True)


async def test_an_error_after_content_is_an_event(serve_gateway: ServeGateway, as_sse: Callable[..., bytes]) -> None:
    """The text so far, then the SDK raises; the stream never ends as if it were whole."""
    with ScriptedUpstream(Stream([as_sse(EVENTS[:3])])) as upstream:
        async with (
            serve_gateway(config(upstream), plugins=[Straight, AnthropicPlugin], plain=False) as server,
            client(server.url) as sdk,
        ):
            events: list[str] = []
            with pytest.raises(anthropic.APIStatusError) as caught:
                await hear(await sdk.messages.create(**ASK, stream=True), events)
    assert events == ["message_start", "content_block_start", "content_block_delta"]
    assert caught.value.error_code == "upstream_stream_interrupted"


async def hear(stream: Any, events: list[str]) -> None:
    """Note the types of a stream's events, also of one that breaks off."""
    async for event in stream:
        events.append(event.type)  # noqa: PERF401  # a comprehension would lose what came before the break


async def test_models_and_token_counts(serve_gateway: ServeGateway) -> None:
    """The list is the gateway's; the count is the provider's."""
    with ScriptedUpstream(Reply.of({"input_tokens": 17})) as upstream:
        settings = config(upstream)
        settings["providers"]["up"]["models"] = ["lab-large"]
        async with (
            serve_gateway(settings, plugins=[Straight, AnthropicPlugin], plain=False) as server,
            client(server.url) as sdk,
        ):
            page = await sdk.models.list()
            one = await sdk.models.retrieve("up/lab-large")
            count = await sdk.messages.count_tokens(model="lab-large", messages=ASK["messages"])
    assert [model.id for model in page.data] == ["up/lab-large"]
    assert one.id == "up/lab-large"
    assert count.input_tokens == 17
