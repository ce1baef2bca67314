"""Fixtures: the dialect, ways to read and write with it, and the official SDK's types as judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent, message_create_params
from attrs import frozen
from pydantic import BaseModel, TypeAdapter

from llmgate_anthropic import AnthropicMessages
from llmgate_core.dialect import Losses
from llmgate_core.events import Event
from llmgate_core.frames import SseFramer, parse_sse
from llmgate_core.jsonfields import split_fields
from llmgate_core.messages import ChatRequest
from llmgate_core.request import Request
from llmgate_core.wirevalues import WireRequest


@frozen
class Written:
    """A request as it was written: the body as JSON, the fields that were lost, and the whole."""

    body: dict[str, Any]
    lost: tuple[str, ...]
    wire: WireRequest


@pytest.fixture
def dialect() -> AnthropicMessages:
    """The dialect as the plugin registers it."""
    return AnthropicMessages()


@pytest.fixture
def request_of(dialect: AnthropicMessages) -> Callable[..., Request]:
    """A client's request from a body (a dict, or the bytes) and headers."""

    def make(body: dict[str, Any] | bytes, operation: str = "chat", **headers: str) -> Request:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = split_fields(data)
        model, stream = dialect.read_head(fields, {})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(dialect, operation, fields, model=model, stream=stream, body=data, headers=named)

    return make


@pytest.fixture
def read(request_of: Callable[..., Request]) -> Callable[..., ChatRequest]:
    """A client's body → canonical; what every request needs is filled in."""

    def run(body: dict[str, Any], operation: str = "chat") -> ChatRequest:
        usual = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
        return request_of({**usual, **body}, operation).canonical

    return run


@pytest.fixture
def write(dialect: AnthropicMessages, judge_request: Callable[[Any], None]) -> Callable[..., Written]:
    """Canonical → wire, judged by the SDK's types. Any loss must be expected: compare ``lost``."""

    def run(chat: ChatRequest, model: str = "claude-sonnet-4-5", *, judged: bool = True) -> Written:
        losses = Losses()
        wire = dialect.write_request(chat, model, losses)
        body = json.loads(wire.body)
        if judged:
            judge_request(body)
        return Written(body, losses.fields, wire)

    return run


@pytest.fixture
def events_of(dialect: AnthropicMessages) -> Callable[..., list[Event]]:
    """A provider's stream (bytes, or the events' JSON) → canonical events, after the close."""

    def run(stream: bytes | Iterable[Mapping[str, Any]], memo: Any = None) -> list[Event]:
        data = stream if isinstance(stream, bytes) else sse(stream)
        reader = dialect.event_reader(WireRequest(b"", memo=memo))
        events = [event for frame in SseFramer().feed(data) for event in reader.read(frame)]
        return [*events, *reader.close()]

    return run


@pytest.fixture
def stream_of(dialect: AnthropicMessages, judge_event: Callable[[Any], None]) -> Callable[..., list[dict[str, Any]]]:
    """Canonical events → the JSON of the stream's events, each judged by the SDK's types."""

    def run(events: Iterable[Event]) -> list[dict[str, Any]]:
        writer = dialect.event_writer(None)  # type: ignore[arg-type]  # this writer does not look at the request
        written = []
        for frame in SseFramer().feed(b"".join(writer.write(event) for event in events)):
            parsed = parse_sse(frame)
            assert parsed is not None
            data = json.loads(parsed.data)
            assert parsed.event == data["type"]
            if data["type"] != "ping":
                judge_event(data)
            written.append(data)
        return written

    return run


def sse(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Events as the API frames them."""
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


@pytest.fixture
def as_sse() -> Callable[[Iterable[Mapping[str, Any]]], bytes]:
    """See :func:`sse`."""
    return sse


def plain(value: Any) -> Any:
    """What pydantic validated, as JSON values; reading lazy iterables validates them."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


_OLD_FIELDS = ("temperature", "top_p", "top_k")  # gone from the SDK's types; older models and API versions take them


@pytest.fixture(scope="session")
def judge_request() -> Callable[[Any], None]:
    """Fails when a request is not what the SDK would send: wrong types, and fields that it does not know."""
    adapter: TypeAdapter[Any] = TypeAdapter(message_create_params.MessageCreateParams)

    def judge(body: dict[str, Any]) -> None:
        known = {name: value for name, value in body.items() if name not in _OLD_FIELDS}
        assert plain(adapter.validate_python(known)) == known

    return judge


@pytest.fixture(scope="session")
def judge_event() -> Callable[[Any], None]:
    """Fails when an event of a stream is not one of the SDK's."""
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)

    def judge(data: dict[str, Any]) -> None:
        adapter.validate_python(data)

    return judge


@pytest.fixture(scope="session")
def judge_answer() -> Callable[[Any], None]:
    """Fails when an answer is not the SDK's Message."""

    def judge(body: dict[str, Any]) -> None:
        Message.model_validate(body)

    return judge
