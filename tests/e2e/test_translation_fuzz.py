"""Whatever one side says, the other side's own types can read what becomes of it, or a clear error stands in its place.

The dialects are asked directly: hundreds of odd requests, answers and streams through both, judged by the official SDKs' types.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from llmgate_anthropic import AnthropicMessages
from llmgate_core import Dialect, Losses
from llmgate_core.errors import InvalidRequest
from llmgate_core.events import Failure
from llmgate_core.frames import parse_sse
from llmgate_core.testing import client_request
from llmgate_core.testing.event_rules import check_events
from llmgate_core.testing.mutations import mutated
from llmgate_core.upstream_errors import UpstreamError
from llmgate_openai import ChatDialect
from tests.e2e.wires import anthropic, openai
from tests.e2e.wires.turn import Call, Turn

if TYPE_CHECKING:
    from types import ModuleType

    from llmgate_core import Request
    from llmgate_core.events import Event

TURN = Turn(
    "It rains. ☔", (Call("call_1", "weather", '{"city": "Köln"}'), Call("call_2", "clock", "{}")), "Hm.", "c2ln"
)
OPENAI_REQUEST = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "image_url", "image_url": {"url": "https://x.test/a"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Well.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rom"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    ],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "stop": ["a"],
    "max_tokens": 9,
    "temperature": 0.5,
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
}
ANTHROPIC_REQUEST = {
    "model": "m",
    "max_tokens": 4000,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "image", "source": {"type": "url", "url": "https://x.test/a"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Well."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Rom"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "rain"}]},
                {"type": "text", "text": "And?"},
            ],
        },
    ],
    "tools": [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}],
    "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stop_sequences": ["a"],
    "metadata": {"user_id": "u"},
}
SIDES: dict[str, tuple[type[Dialect], dict[str, Any], ModuleType]] = {
    "openai": (ChatDialect, OPENAI_REQUEST, openai),
    "anthropic": (AnthropicMessages, ANTHROPIC_REQUEST, anthropic),
}
MODELS = ["m", "claude-3-5-sonnet", "claude-sonnet-4-5", "claude-opus-5-5"]  # of which each accepts something else
# What has gone wrong before is asked each time.
FOUND: dict[str, list[Any]] = {
    "openai": [
        {**OPENAI_REQUEST, "tool_choice": None},
        {**OPENAI_REQUEST, "max_tokens": -1},
        {**OPENAI_REQUEST, "max_tokens": 5000, "user": "u", "service_tier": "auto", "stream": True},
        {**OPENAI_REQUEST, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"anyOf": 5}}}]},
    ],
    "anthropic": [
        {**ANTHROPIC_REQUEST, "messages": [{"role": "user", "content": [{"type": "new", "content": [None]}]}]},
    ],
}
ACROSS = [("openai", "anthropic"), ("anthropic", "openai")]
SAME = [
    ("openai", "openai"),
    ("anthropic", "anthropic"),
]  # what is odd in a provider's answer is kept for its own clients
WHOLE: dict[str, TypeAdapter[Any]] = {"openai": TypeAdapter(ChatCompletion), "anthropic": TypeAdapter(Message)}
PIECE: dict[str, TypeAdapter[Any]] = {
    "openai": TypeAdapter(ChatCompletionChunk),
    "anthropic": TypeAdapter(RawMessageStreamEvent),
}
ODDLY = settings(max_examples=150, deadline=None)


def asking(name: str) -> tuple[Dialect, Request]:
    """A dialect and a plain request for a stream of it."""
    dialect, body, _ = SIDES[name]
    stream = {"stream": True, **({"stream_options": {"include_usage": True}} if name == "openai" else {})}
    return dialect(), client_request(dialect(), {**body, **stream})


@pytest.mark.parametrize(("client", "provider"), [*ACROSS, *SAME])
def test_odd_request_is_carried_or_refused(client: str, provider: str) -> None:
    """What is written for the provider is a request of its format; otherwise the client hears a 400."""
    dialect, body, _ = SIDES[client]
    other = SIDES[provider][0]()

    @ODDLY
    @given(mutated(body), st.sampled_from(MODELS))
    def check(odd: Any, model: str) -> None:
        try:
            chat = client_request(dialect(), odd).canonical
            wire = other.write_request(chat, model, Losses())
        except InvalidRequest as error:
            assert error.message  # noqa: PT017  # either outcome is right
            return
        again = client_request(other, wire.body).canonical
        assert other.write_request(again, model, Losses()).body == wire.body

    for odd in FOUND[client]:
        for model in MODELS:
            check = example(odd, model)(check)
    check()


@pytest.mark.parametrize(("client", "provider"), ACROSS)
def test_odd_answer_is_readable_or_an_error(client: str, provider: str) -> None:
    """The client's SDK can read the answer; what cannot be understood is the provider's error."""
    to, request = asking(client)
    dialect, _, wire = SIDES[provider]
    sent = dialect().write_request(request.canonical, "m", Losses())

    @ODDLY
    @given(mutated(wire.whole(TURN, "m")))
    def check(odd: Any) -> None:
        try:
            answer = dialect().read_response(json.dumps(odd).encode(), sent)
        except UpstreamError as error:
            assert error.status >= 400  # noqa: PT017  # either outcome is right
            return
        WHOLE[client].validate_json(to.write_response(answer, request), strict=True)

    check()


@pytest.mark.parametrize(("client", "provider"), ACROSS)
def test_odd_stream_is_readable_or_an_error(client: str, provider: str) -> None:
    """Each frame that the client gets is one its SDK can read, up to the end or one failure."""
    to, request = asking(client)
    dialect, _, wire = SIDES[provider]
    sent = dialect().write_request(request.canonical, "m", Losses())
    more = {"with_usage": True} if provider == "openai" else {}
    frames: list[bytes] = wire.frames(TURN, "m", **more)
    datas = [json.loads(sse.data) for frame in frames if (sse := parse_sse(frame)) and sse.data[:1] == b"{"]

    @ODDLY
    @given(st.data(), st.integers(0, len(datas) - 1))
    def check(data: st.DataObject, number: int) -> None:
        odd = data.draw(mutated(datas[number]))
        kind = f"event: {datas[number]['type']}\n" if provider == "anthropic" else ""
        frame = f"{kind}data: {json.dumps(odd)}\n\n".encode()
        events: list[Event] = []
        reader = dialect().event_reader(sent)
        try:
            for one in [*frames[:number], frame, *frames[number + 1 :]]:
                events += reader.read(one)
            events += reader.close()
        except UpstreamError:
            return  # the relay ends the client's stream with this error
        check_events(events)
        writer = to.event_writer(request)
        written = b"".join(writer.write(event) for event in events if not isinstance(event, Failure))
        for piece in to.framer().feed(written):
            sse = parse_sse(piece)
            if sse is not None and sse.data != b"[DONE]" and sse.event != "ping":
                PIECE[client].validate_json(sse.data, strict=True)

    check()
