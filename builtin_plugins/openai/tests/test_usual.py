"""What is read or written at once comes out as the patient way has it, whatever a client or a provider sends."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.dialect import Losses
from llmgate_core.errors import GatewayError
from llmgate_core.frames import FrameKind
from llmgate_core.messages import Message, Text
from llmgate_core.renames import Renames
from llmgate_core.testing.mutations import alterations
from llmgate_core.wirevalues import Summary
from llmgate_openai import brief, read_request, read_response, usual_answer, usual_request, write_messages
from llmgate_openai.carry import Carry
from llmgate_openai.write_assistant import write_assistant

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
REQUEST: dict[str, Any] = {
    "model": "m",
    "max_completion_tokens": 9,
    "temperature": 0.5,
    "stop": ["x"],
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "user", "content": "b", "name": "ann"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "stream": True,
    "stream_options": {"include_usage": True},
    "reasoning_effort": "none",
    "metadata": {"a": "b"},
}
ANSWER: dict[str, Any] = json.loads(Path(__file__).with_name("answer.json").read_text())
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        15,
        10**9 + 1,
        2**64,
        10**30,
        0.5,
        1.0,
        "",
        "x",
        "stop",
        "length",
        "auto",
        "none",
        "user",
    ),
    *("text", "tool", [], {}, [None], ["x"], {"a": None}, CALL, [CALL], {"type": "text", "text": "t"}),
    [{"type": "text", "text": "t"}, {"type": "text", "text": ""}],
]
NAMES = [
    *(
        "type",
        "id",
        "role",
        "content",
        "name",
        "text",
        "model",
        "index",
        "error",
        "usage",
        "user",
        "n",
        "seed",
        "top_k",
    ),
    *("tool_calls", "tool_call_id", "function_call", "reasoning", "cache_control", "stop_sequence", "estimated"),
    *("max_tokens", "response_format", "stream", "tools", "vendor"),
]


def test_a_usual_request_is_read_as_any_other(wire: Wire) -> None:
    """The quick reader says the same as the patient one, or nothing."""
    usual = 0
    for body in alterations(REQUEST, VALUES, NAMES):
        try:
            request = wire.request(**body)
        except GatewayError:
            continue
        quick = usual_request.read_usual(request)
        if quick is not None:
            usual += 1
            assert repr(quick) == repr(read_request.read_any(request))
    assert usual > 1000


def test_a_usual_answer_is_read_as_any_other() -> None:
    """The same for what a provider sends; tools get their own names back."""
    renames = Renames()
    renames._back["f"] = "a client's name"
    usual = 0
    for body in alterations(ANSWER, VALUES, NAMES):
        quick = usual_answer.read_usual(copy.deepcopy(body), renames)
        if quick is not None:
            usual += 1
            assert repr(quick) == repr(read_response.read_any(body, renames))
    assert usual > 1000


def test_an_answer_relayed_counts_as_any_other() -> None:
    """The quick count and the patient one agree, but for extras."""
    for body in alterations(ANSWER, VALUES, NAMES):
        sent = msgspec.json.encode(body)
        assert counted(brief.summarise, sent) == counted(brief._summarise_any, sent)


def counted(summarise: Callable[[bytes], Summary], body: bytes) -> Any:
    """The whole of a summary but for extras, or the error it was."""
    try:
        summary = summarise(body)
    except GatewayError as error:
        return type(error), error.message
    return summary.model, summary.finish_reason, counts(summary.usage)


def counts(usage: Any) -> Any:
    """All that a usage says in numbers."""
    names = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output")
    return usage and [getattr(usage, f"{name}_tokens") for name in names]


TEXTS = st.builds(
    Text, st.text(max_size=3), st.none() | st.just({"type": "ephemeral"}), st.just({}) | st.just({"vendor": 1})
)


@given(
    role=st.sampled_from(["system", "developer", "user", "assistant"]),
    texts=st.lists(TEXTS, max_size=3),
    name=st.none() | st.just("ann"),
    own=st.booleans(),
)
def test_a_turn_of_text_is_written_as_any_other(role: Any, texts: list[Text], name: str | None, own: bool) -> None:
    """The quick writer says the same as the patient one, or nothing."""
    message = Message(role, tuple(texts), name)
    usual = write_messages._plain(message, role, own=own)
    if usual is not None:
        carry = Carry("openai.chat" if own else "other.dialect", Losses())
        if role == "assistant":
            patient = write_assistant(message, "messages[0]", carry)
        else:
            patient = write_messages._speech(message, message.content, "messages[0]", carry)
        assert msgspec.json.encode(usual) == msgspec.json.encode(patient)
        assert not carry.losses


@pytest.mark.parametrize("text", ["é", "日本", "\u2028", "🎈"])
def test_text_beyond_ascii_is_content_too(wire: Wire, text: str) -> None:
    """Of a stream relayed untouched; but what is no UTF-8 is refused wherever it stands."""
    probe = wire.dialect.probe(wire.request(stream=True))
    chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
    frame = b"data: " + msgspec.json.encode(chunk) + b"\n\n"
    assert [probe.see(frame) for _ in range(3)] == [FrameKind.CONTENT] * 3
    with pytest.raises(GatewayError):
        probe.see(frame.replace(text.encode(), b"\xe9\xff"))
