"""What is read or written at once comes out as the patient way has it, whatever a client or a provider sends."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmgate_anthropic import read_request, read_response, summaries, usual_answer, usual_request, write_request
from llmgate_anthropic.headers import written_headers
from llmgate_anthropic.models import KnownModels, capabilities
from llmgate_anthropic.write_blocks import BlockWriter
from llmgate_anthropic.write_request import Memo
from llmgate_core.dialect import Losses
from llmgate_core.errors import GatewayError
from llmgate_core.messages import ChatRequest, Message, Sampling, Text
from llmgate_core.renames import Renames
from llmgate_core.testing.mutations import alterations
from llmgate_core.wirevalues import Summary

MARK = {"type": "ephemeral"}
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1.5}}
REQUEST: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "temperature": 1,
    "stop_sequences": ["x"],
    "system": [{"type": "text", "text": "s", "cache_control": MARK}],
    "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "b", "citations": None}, CALL]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]},
                {"type": "text", "text": "c"},
            ],
        },
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": MARK}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "metadata": {"user_id": "u"},
    "stream": True,
}
ANSWER: dict[str, Any] = {
    "id": "i",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "b", "citations": None}, CALL],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation": {"ephemeral_5m_input_tokens": 1},
        "service_tier": "standard",
    },
}
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**12, 2**64, 10**30, 0.5, 1.0, "", "x", "auto", "any", "none", "user", "text"),
    *("end_turn", "tool_use", [], {}, [None], ["x"], {"a": None}, CALL, [CALL], MARK, {"text": "t"}),
    *({"type": "text", "text": "t"}, [{"type": "text", "text": "t"}, {"text": ""}], {"type": "thinking"}),
]
NAMES = [
    *("type", "id", "role", "content", "name", "text", "model", "error", "usage", "top_k", "top_p", "thinking"),
    *("citations", "cache_control", "is_error", "stop_details", "iterations", "container", "service_tier"),
    *("output_config", "strict", "description", "vendor"),
]
RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_usual_request_is_read_as_any_other(request_of: Callable[..., Any]) -> None:
    """The quick reader says the same as the patient one, or nothing."""
    usual = 0
    for body in alterations(REQUEST, VALUES, NAMES):
        try:
            request = request_of(body, anthropic_version="v")
        except GatewayError:
            continue
        quick = usual_request.read_usual(request)
        if quick is not None:
            usual += 1
            assert repr(quick) == repr(read_request.read_any(request))
    assert usual > 1000


@pytest.mark.parametrize("answer_tool", [None, "f"])
def test_a_usual_answer_is_read_as_any_other(answer_tool: str | None) -> None:
    """The same for what a provider sends; tools get their own names back, the one made for an answer is text."""
    memo = Memo(Renames(), answer_tool)
    memo.names._back["f"] = "a client's name"
    usual = 0
    for body in alterations(ANSWER, VALUES, NAMES):
        quick = usual_answer.read_usual(copy.deepcopy(body), memo)
        if quick is not None:
            usual += 1
            assert repr(quick) == repr(read_response.read_any(body, memo))
    assert usual > 500


def test_an_answer_relayed_counts_as_any_other() -> None:
    """The quick count and the patient one agree, but for extras."""
    for body in alterations(ANSWER, VALUES, NAMES):
        sent = json.dumps(body).encode()
        assert counted(summaries.summarise, sent) == counted(summaries._loosely, sent)


@pytest.mark.parametrize(
    ("sent", "read", "written", "believed"),
    [
        (10**12, 0, 0, True),
        (10**12 - 2, 1, 1, True),
        (10**12, 1, 0, False),
        (10**12, 0, 1, False),
        (10**12 - 1, 1, 1, False),
    ],
)
def test_a_sum_beyond_belief_is_read_as_any_other(sent: int, read: int, written: int, believed: bool) -> None:
    """The bound of a count is that of the prompt's sum too: above it the patient way tells all it was told, extras as well."""
    usage = {"input_tokens": sent, "cache_read_input_tokens": read, "cache_creation_input_tokens": written}
    body = json.dumps({**ANSWER, "usage": {**usage, "output_tokens": 1, "service_tier": "standard"}}).encode()
    quick, patient = summaries.summarise(body), summaries._loosely(body)
    assert quick.usage is not None
    assert quick.usage.input_tokens == sent + read + written
    assert (quick == patient) is not believed


def counted(summarise: Callable[[bytes], Summary], body: bytes) -> Any:
    """The whole of a summary but for extras, or the error it was."""
    try:
        summary = summarise(body)
    except GatewayError as error:
        return type(error), error.message
    names = ("input", "output", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning")
    usage = summary.usage
    return summary.model, summary.finish_reason, usage and [getattr(usage, f"{name}_tokens") for name in names]


TEXTS = st.builds(
    Text, st.sampled_from(["a", " b", "\u2003", "", "\x1f"]), st.none() | st.just(MARK), st.just({}) | st.just({"v": 1})
)
MESSAGES = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "developer", "user", "user", "assistant"]),
        st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
        extra=st.just({}) | st.just({}) | st.just({"vendor": 1}),
    ),
    min_size=1,
    max_size=4,
)
CONVERSATIONS = st.just(
    (Message("user", (Text("a"),)), Message("assistant", (Text("b"),)), Message("user", (Text("c"),)))
)


@RELAXED
@given(
    messages=MESSAGES.map(tuple) | CONVERSATIONS,
    sampling=st.builds(
        Sampling,
        temperature=st.sampled_from([None, 0, 1, 0.5, 2]),
        top_p=st.sampled_from([None, 1, 0.5]),
        top_k=st.sampled_from([None, 3]),
        stop=st.sampled_from([(), ("x", " ")]),
        n=st.sampled_from([None, 1, 2]),
    ),
    model=st.sampled_from(["claude-sonnet-4-5", "claude-opus-5-5", "claude-3-haiku", "other"]),
    user=st.sampled_from([None, "u", "a@b"]),
    stream=st.booleans(),
)
def test_a_conversation_of_text_is_written_as_any_other(
    messages: tuple[Message, ...], sampling: Sampling, model: str, user: str | None, stream: bool
) -> None:
    """The quick writer says the same as the patient one and loses the same, or says nothing."""
    chat = ChatRequest("m", messages, sampling=sampling, user=user, stream=stream, dialect="other.dialect")
    quick, patient, able = Losses(), Losses(), capabilities(model)
    usual = write_request._usual_body(chat, model, able, quick)
    if usual is None:
        return
    writer = BlockWriter(Renames(), Renames(), patient, own=False)
    body, _ = write_request._foreign_body(chat, model, able, writer, repair=False)
    if stream:
        body["stream"] = True
    assert json.dumps(usual) == json.dumps(body)
    assert quick._reasons == patient._reasons
    assert written_headers(body, {}) == {"anthropic-version": "2023-06-01"}


def test_what_a_model_accepts_is_found_out_once_and_not_kept_for_ever() -> None:
    """Clients choose the names."""
    models = KnownModels()
    assert models.able("claude-opus-5-5") is models.able("claude-opus-5-5") == capabilities("claude-opus-5-5")
    for number in range(3000):
        models.able(f"claude-{number}")
    assert len(models._known) <= 1024
