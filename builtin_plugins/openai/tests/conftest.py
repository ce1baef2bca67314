"""What the tests share: the dialect, requests of its clients, and the way from a stream's bytes to events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk, completion_create_params
from pydantic import TypeAdapter

from llmgate_core.dialect import Losses
from llmgate_core.events import Event
from llmgate_core.frames import SseFramer
from llmgate_core.jsonfields import split_fields
from llmgate_core.messages import ChatRequest, Message, Text
from llmgate_core.request import Request
from llmgate_core.wirevalues import WireRequest
from llmgate_openai import ChatDialect


class Wire:
    """The dialect, with the steps that most tests take in one call each."""

    def __init__(self) -> None:
        self.dialect = ChatDialect()

    def request(self, **fields: Any) -> Request:
        """A client's request; model and messages have defaults."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], **fields}
        encoded = msgspec.json.encode(body)
        split = split_fields(encoded)
        model, stream = self.dialect.read_head(split, {})
        return Request(self.dialect, "chat", split, model=model, stream=stream, body=encoded)

    def read(self, **fields: Any) -> ChatRequest:
        """A client's request in canonical form."""
        return self.request(**fields).canonical

    def write(self, chat: ChatRequest, model: str = "gpt-4o") -> dict[str, Any]:
        """The request to a provider as a dict; losses are refused."""
        losses = Losses()
        body = self.dialect.write_request(chat, model, losses).body
        losses.refuse()
        written: dict[str, Any] = msgspec.json.decode(body)
        return written

    def lossy(self, chat: ChatRequest, model: str = "gpt-4o") -> tuple[dict[str, Any], tuple[str, ...]]:
        """The request to a provider, and the fields that were lost."""
        losses = Losses()
        body = self.dialect.write_request(chat, model, losses).body
        return msgspec.json.decode(body), losses.fields

    def foreign(self, *messages: Message, **fields: Any) -> ChatRequest:
        """A canonical request that came in another dialect."""
        return ChatRequest("gpt-4o", messages or (Message("user", (Text("hi"),)),), dialect="other.dialect", **fields)

    def events(self, *chunks: Any, wire: WireRequest | None = None, end: bool = True) -> list[Event]:
        """A provider's stream of these chunks (dicts, or raw bytes of frames) → events, the close included."""
        reader = self.dialect.event_reader(wire or WireRequest(b""))
        frames = [*chunks, b"data: [DONE]\n\n"] if end else list(chunks)
        found: list[Event] = []
        for frame in frames:
            found += reader.read(frame if isinstance(frame, bytes) else sse(frame))
        return [*found, *reader.close()]

    def stream(self, events: Iterable[Event], **fields: Any) -> list[Any]:
        """Events → the data of the frames a client gets, decoded; ``[DONE]`` as it is."""
        writer = self.dialect.event_writer(self.request(stream=True, **fields))
        return frames_of(b"".join(writer.write(event) for event in events))


def sse(chunk: Any) -> bytes:
    """A frame."""
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def frames_of(data: bytes) -> list[Any]:
    """The data of each frame."""
    frames = [frame[6:-2] for frame in SseFramer().feed(data)]
    return [frame.decode() if frame == b"[DONE]" else msgspec.json.decode(frame) for frame in frames]


@pytest.fixture
def wire() -> Wire:
    """The dialect and its steps."""
    return Wire()


@pytest.fixture
def chunk() -> Callable[..., dict[str, Any]]:
    """A chunk with one choice: ``chunk({"content": "a"}, finish="stop", index=0, **top)``."""

    def make(
        delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **top: Any
    ) -> dict[str, Any]:
        choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return {**head, "choices": [choice], **top}

    return make


def _consumed(value: Any) -> Any:
    """Pydantic checks an ``Iterable`` only while somebody iterates."""
    if isinstance(value, dict):
        return {name: _consumed(inner) for name, inner in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    return [_consumed(inner) for inner in value]


@pytest.fixture(scope="session")
def check_request() -> Callable[[dict[str, Any]], None]:
    """Fails unless a request's body is what the official SDK's own types allow."""
    plain = TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming)
    streamed = TypeAdapter(completion_create_params.CompletionCreateParamsStreaming)

    def check(body: dict[str, Any]) -> None:
        _consumed((streamed if body.get("stream") else plain).validate_python(body))

    return check


@pytest.fixture(scope="session")
def check_answer() -> Callable[[Any], ChatCompletion]:
    """An answer as the official SDK's type, strictly."""
    return lambda body: ChatCompletion.model_validate(body, strict=True)


@pytest.fixture(scope="session")
def check_chunks() -> Callable[[list[Any]], list[ChatCompletionChunk]]:
    """Chunks of a written stream as the official SDK's type, strictly; the end marker must come last, once."""

    def check(frames: list[Any]) -> list[ChatCompletionChunk]:
        assert frames.index("[DONE]") == len(frames) - 1
        return [ChatCompletionChunk.model_validate(frame, strict=True) for frame in frames[:-1]]

    return check
