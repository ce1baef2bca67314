"""One way to talk through either official SDK, so that a test is written once for both; what is heard is compared as one form."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, Protocol

import anthropic
import httpx2
import openai
from attrs import field, frozen
from openai.lib.streaming.chat import ChatCompletionStreamState

from .wires.turn import Finish

STOPS: Mapping[str | None, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


@frozen
class Tool:
    """A tool on offer."""

    name: str
    schema: dict[str, Any] = field(factory=lambda: {"type": "object", "properties": {"city": {"type": "string"}}})


@frozen
class Heard:
    """An answer. ``calls`` are (id, name, arguments as a value); ``usage`` is (input, output, of the input cached)."""

    text: str
    thinking: str
    calls: tuple[tuple[str, str, Any], ...]
    finish: Finish
    usage: tuple[int, int, int]
    model: str
    native: Any = field(eq=False, repr=False)


class Talk(Protocol):
    """A conversation through one SDK."""

    messages: list[Any]

    def say(self, text: str, picture: str | None = None) -> Talk:
        """Add a user's turn; ``picture`` is base64 of a PNG."""

    def give(self, results: Mapping[str, str]) -> Talk:
        """Add the tools' results by call id."""

    def ask(self, *, streamed: bool, asynchronous: bool = False, **options: Any) -> Heard:
        """Send it, add the answer to the conversation, and tell it. Raises what the SDK raises."""


class Sdk(Protocol):
    """An official SDK, pointed at the gateway; it never retries by itself."""

    name: str

    @property
    def error(self) -> type[openai.APIStatusError | anthropic.APIStatusError]:
        """What it raises for an error status."""

    def talk(self, model: str, *tools: Tool) -> Talk:
        """A new conversation."""


StatusError = openai.APIStatusError | anthropic.APIStatusError


def refused(talk: Talk, *, streamed: bool, **options: Any) -> StatusError:
    """The error status with which a conversation's next answer is refused."""
    try:
        heard = talk.ask(streamed=streamed, **options)
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    raise AssertionError(f"not refused: {heard}")


def no_tls() -> ssl.SSLContext:
    """A context for clients that speak plain HTTP: reading the system's certificates takes longer than most tests."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


# ── OpenAI ───────────────────────────────────────────────────────────────────────────────────────────────────────


class OpenAISdk:
    """The ``openai`` package."""

    name = "openai"
    error = openai.APIStatusError

    def __init__(self, url: str, **options: Any) -> None:
        self.options = {"base_url": f"{url}/v1", "api_key": "client-key", "max_retries": 0, "timeout": 20.0, **options}

    def client(self) -> openai.OpenAI:
        """A synchronous client; close it."""
        return openai.OpenAI(**self.options, http_client=httpx2.Client(verify=no_tls()))

    def async_client(self) -> openai.AsyncOpenAI:
        """An asynchronous client; close it."""
        return openai.AsyncOpenAI(**self.options, http_client=httpx2.AsyncClient(verify=no_tls()))

    def talk(self, model: str, *tools: Tool) -> Talk:
        """See :class:`Sdk`."""
        return OpenAITalk(self, model, tools)


class OpenAITalk:
    """See :class:`Talk`."""

    def __init__(self, sdk: OpenAISdk, model: str, tools: tuple[Tool, ...]) -> None:
        self.messages: list[Any] = []
        self._sdk = sdk
        self._fixed: dict[str, Any] = {"model": model}
        if tools:
            self._fixed["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": "A tool.", "parameters": tool.schema},
                }
                for tool in tools
            ]

    def say(self, text: str, picture: str | None = None) -> OpenAITalk:
        """See :class:`Talk`."""
        content: Any = text
        if picture is not None:
            image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
            content = [{"type": "text", "text": text}, image]
        self.messages.append({"role": "user", "content": content})
        return self

    def give(self, results: Mapping[str, str]) -> OpenAITalk:
        """See :class:`Talk`."""
        self.messages += [{"role": "tool", "tool_call_id": key, "content": text} for key, text in results.items()]
        return self

    def ask(self, *, streamed: bool, asynchronous: bool = False, **options: Any) -> Heard:
        """See :class:`Talk`."""
        request = {**self._fixed, "messages": self.messages, **options}
        if streamed:
            request = {"stream_options": {"include_usage": True}, **request, "stream": True}
        answer = asyncio.run(self._later(request)) if asynchronous else self._now(request)
        self.messages.append(answer.choices[0].message.model_dump(exclude_none=True, exclude={"parsed"}))
        return _heard_openai(answer)

    def _now(self, request: dict[str, Any]) -> Any:
        with self._sdk.client() as client:
            if "stream" not in request:
                return client.chat.completions.create(**request)
            state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
            for chunk in client.chat.completions.create(**request):
                state.handle_chunk(chunk)
            return state.current_completion_snapshot

    async def _later(self, request: dict[str, Any]) -> Any:
        async with self._sdk.async_client() as client:
            if "stream" not in request:
                return await client.chat.completions.create(**request)
            state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
            async for chunk in await client.chat.completions.create(**request):
                state.handle_chunk(chunk)
            return state.current_completion_snapshot


def _heard_openai(answer: Any) -> Heard:
    choice, usage = answer.choices[0], answer.usage
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or ()]
    return Heard(
        choice.message.content or "",
        (choice.message.model_extra or {}).get("reasoning_content", ""),
        tuple(calls),
        choice.finish_reason,
        (usage.prompt_tokens, usage.completion_tokens, cached or 0),
        answer.model,
        answer,
    )


# ── Anthropic ────────────────────────────────────────────────────────────────────────────────────────────────────


class AnthropicSdk:
    """The ``anthropic`` package."""

    name = "anthropic"
    error = anthropic.APIStatusError

    def __init__(self, url: str, **options: Any) -> None:
        self.options = {"base_url": url, "api_key": "client-key", "max_retries": 0, "timeout": 20.0, **options}

    def client(self) -> anthropic.Anthropic:
        """A synchronous client; close it."""
        return anthropic.Anthropic(**self.options, http_client=httpx2.Client(verify=no_tls()))

    def async_client(self) -> anthropic.AsyncAnthropic:
        """An asynchronous client; close it."""
        return anthropic.AsyncAnthropic(**self.options, http_client=httpx2.AsyncClient(verify=no_tls()))

    def talk(self, model: str, *tools: Tool) -> Talk:
        """See :class:`Sdk`."""
        return AnthropicTalk(self, model, tools)


class AnthropicTalk:
    """See :class:`Talk`."""

    def __init__(self, sdk: AnthropicSdk, model: str, tools: tuple[Tool, ...]) -> None:
        self.messages: list[Any] = []
        self._sdk = sdk
        self._fixed: dict[str, Any] = {"model": model, "max_tokens": 4096}
        if tools:
            self._fixed["tools"] = [
                {"name": tool.name, "description": "A tool.", "input_schema": tool.schema} for tool in tools
            ]

    def say(self, text: str, picture: str | None = None) -> AnthropicTalk:
        """See :class:`Talk`."""
        content: Any = text
        if picture is not None:
            source = {"type": "base64", "media_type": "image/png", "data": picture}
            content = [{"type": "text", "text": text}, {"type": "image", "source": source}]
        self.messages.append({"role": "user", "content": content})
        return self

    def give(self, results: Mapping[str, str]) -> AnthropicTalk:
        """See :class:`Talk`."""
        blocks = [{"type": "tool_result", "tool_use_id": key, "content": text} for key, text in results.items()]
        self.messages.append({"role": "user", "content": blocks})
        return self

    def ask(self, *, streamed: bool, asynchronous: bool = False, **options: Any) -> Heard:
        """See :class:`Talk`."""
        request = {**self._fixed, "messages": self.messages, **options}
        answer = asyncio.run(self._later(request, streamed=streamed)) if asynchronous else self._now(request, streamed)
        self.messages.append({"role": "assistant", "content": [_returned(block) for block in answer.content]})
        return _heard_anthropic(answer)

    def _now(self, request: dict[str, Any], streamed: bool) -> Any:
        with self._sdk.client() as client:
            if not streamed:
                return client.messages.create(**request)
            with client.messages.stream(**request) as stream:
                return stream.get_final_message()

    async def _later(self, request: dict[str, Any], *, streamed: bool) -> Any:
        async with self._sdk.async_client() as client:
            if not streamed:
                return await client.messages.create(**request)
            async with client.messages.stream(**request) as stream:
                return await stream.get_final_message()


def _returned(block: Any) -> Any:
    """A block as the SDK would send it back."""
    return block.model_dump(exclude_none=True, exclude={"parsed_output"})


def _heard_anthropic(answer: Any) -> Heard:
    blocks, usage = answer.content, answer.usage
    cached = usage.cache_read_input_tokens or 0
    return Heard(
        "".join(block.text for block in blocks if block.type == "text"),
        "".join(block.thinking for block in blocks if block.type == "thinking"),
        tuple((block.id, block.name, block.input) for block in blocks if block.type == "tool_use"),
        STOPS[answer.stop_reason],
        (usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0), usage.output_tokens, cached),
        answer.model,
        answer,
    )
