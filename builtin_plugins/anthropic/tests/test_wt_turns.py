"""Translation cases: which turns come out, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import ChatRequest, Message, Sampling, Text, ToolCall, ToolResult

MID_SYSTEM = "claude-opus-4-8"


def chat(*messages: Message) -> ChatRequest:
    """A request as the codec of another dialect reads it."""
    return ChatRequest("m", messages, sampling=Sampling(max_tokens=100), dialect="openai.chat")


def say(role: Any, *texts: str) -> Message:
    """A message of text blocks."""
    return Message(role, tuple(Text(text) for text in texts))


def told(body: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The turns in short: role, and each block's text or type."""
    return [(m["role"], [b.get("text", b["type"]) for b in m["content"]]) for m in body["messages"]]


CALLS = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")))


def result(call_id: str, text: str = "ok") -> Message:
    """A tool message."""
    return Message("tool", (ToolResult(call_id, (Text(text),)),))


def test_wt_010_leading_system_messages_become_one_array(write: Callable[..., Any]) -> None:
    """Order and cache marks are kept; empty parts and a null content are skipped."""
    cached = Message("system", (Text("two", cache_control={"type": "ephemeral"}), Text("")))
    body = write(
        chat(say("system", "one"), cached, Message("developer"), say("developer", "three"), say("user", "u"))
    ).body
    assert body["system"] == [
        {"type": "text", "text": "one"},
        {"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "three"},
    ]
    assert told(body) == [("user", ["u"])]


def test_wt_012_mid_system_stays_between_user_and_assistant(write: Callable[..., Any]) -> None:
    """A model that accepts it keeps a system message where it may stand."""
    body = write(chat(say("user", "u"), say("system", "s"), say("assistant", "a"), say("user", "v")), MID_SYSTEM).body
    assert told(body) == [("user", ["u"]), ("system", ["s"]), ("assistant", ["a"]), ("user", ["v"])]


def test_wt_012_mid_system_after_an_assistant_moves_behind_the_next_user(write: Callable[..., Any]) -> None:
    """A run after an assistant turn stands behind the user turn that follows, in order."""
    messages = (say("user", "u"), say("assistant", "a"), say("system", "s"), say("system", "t"), say("user", "v"))
    body = write(chat(*messages, say("assistant", "b"), say("user", "w")), MID_SYSTEM).body
    assert [role for role, _ in told(body)] == ["user", "assistant", "user", "system", "assistant", "user"]
    assert told(body)[3] == ("system", ["s", "t"])


def test_wt_012_mid_system_at_the_end_becomes_user(write: Callable[..., Any]) -> None:
    """Nothing follows it, so it joins the user's words."""
    assert told(write(chat(say("user", "u"), say("system", "s")), MID_SYSTEM).body) == [("user", ["u", "s"])]


def test_wt_012_mid_system_between_calls_and_results_waits_behind_them(write: Callable[..., Any]) -> None:
    """Results stand right after their calls, whatever was written between."""
    messages = (say("user", "u"), CALLS, say("system", "s"), result("a"), result("b"), say("assistant", "x"))
    body = write(chat(*messages, say("user", "v")), MID_SYSTEM).body
    assert [role for role, _ in told(body)] == ["user", "assistant", "user", "system", "assistant", "user"]


def test_wt_012_older_models_get_mid_system_in_front(write: Callable[..., Any]) -> None:
    """A model without system turns gets the text in ``system``: none is lost."""
    body = write(chat(say("system", "s"), say("user", "u"), say("system", "t"))).body
    assert [part["text"] for part in body["system"]] == ["s", "t"]
    assert told(body) == [("user", ["u"])]


def test_wt_014_a_first_assistant_gets_a_user_before_it(write: Callable[..., Any]) -> None:
    """The conversation begins with a user turn that is not blank."""
    body = write(chat(say("assistant", "a"), say("user", "u"))).body
    assert [role for role, _ in told(body)] == ["user", "assistant", "user"]
    assert told(body)[0][1][0].strip()


def test_wt_014_system_alone_gets_a_user(write: Callable[..., Any]) -> None:
    """The API wants at least one message."""
    assert [role for role, _ in told(write(chat(say("system", "s"))).body)] == ["user"]


def test_wt_015_consecutive_messages_of_one_role_are_merged(write: Callable[..., Any]) -> None:
    """No block is dropped, and the order is kept."""
    messages = (say("user", "1"), say("user", "2", "3"), say("assistant", "4"), say("assistant", "5"), say("user", "6"))
    expected = [("user", ["1", "2", "3"]), ("assistant", ["4", "5"]), ("user", ["6"])]
    assert told(write(chat(*messages)).body) == expected


def test_wt_016_parallel_results_share_one_user_turn(write: Callable[..., Any]) -> None:
    """N tool messages are N results in one message, then the user's text."""
    body = write(chat(say("user", "u"), CALLS, result("a"), result("b"), say("user", "go on"))).body
    assert told(body)[2] == ("user", ["tool_result", "tool_result", "go on"])


def test_wt_017_results_open_the_turn_even_when_text_came_first(write: Callable[..., Any]) -> None:
    """Text between results does not stand between them on the wire."""
    body = write(chat(say("user", "u"), CALLS, result("a"), say("user", "wait"), result("b"))).body
    assert told(body)[2] == ("user", ["tool_result", "tool_result", "wait"])


@pytest.mark.parametrize("text", ["", "  \n"])
def test_wt_018_blank_text_beside_calls_is_left_out(write: Callable[..., Any], text: str) -> None:
    """Only tool_use blocks come out."""
    calls = Message("assistant", (Text(text), *CALLS.content))
    body = write(chat(say("user", "u"), calls, result("a"), result("b"))).body
    assert told(body)[1] == ("assistant", ["tool_use", "tool_use"])


def test_blank_user_text_keeps_its_turn(write: Callable[..., Any]) -> None:
    """Dropping it would make the assistant's words a prefill."""
    body = write(chat(say("user", "u"), say("assistant", "a"), say("user", " "))).body
    assert [role for role, _ in told(body)] == ["user", "assistant", "user"]
    assert told(body)[2][1][0].strip()


def test_blank_assistant_is_left_out(write: Callable[..., Any]) -> None:
    """An empty answer in the history is no turn."""
    assert told(write(chat(say("user", "u"), say("assistant", ""), say("user", "v"))).body) == [("user", ["u", "v"])]


def test_wt_020_a_prefill_loses_its_trailing_white_space(write: Callable[..., Any]) -> None:
    """The API refuses a final assistant text that ends in white space."""
    assert told(write(chat(say("user", "u"), say("assistant", "So: \n"))).body)[1] == ("assistant", ["So:"])


def test_wt_020_a_model_without_prefill_says_so(write: Callable[..., Any]) -> None:
    """A clear 400 that names the message."""
    with pytest.raises(InvalidRequest, match="does not continue an assistant message") as caught:
        write(chat(say("user", "u"), say("assistant", "So")), "claude-opus-4-6")
    assert caught.value.param == "messages[1]"


def test_wt_048_text_stands_before_calls(write: Callable[..., Any]) -> None:
    """Whatever order the codec gave."""
    calls = Message("assistant", (*CALLS.content, Text("look")))
    body = write(chat(say("user", "u"), calls, result("a"), result("b"))).body
    assert told(body)[1] == ("assistant", ["look", "tool_use", "tool_use"])


def test_wt_050_names_of_speakers_are_left_out(write: Callable[..., Any]) -> None:
    """A name is no reason for a 400, here or there."""
    written = write(chat(Message("user", (Text("u"),), name="bob")))
    assert written.lost == ()
    assert written.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "u"}]}]


def test_wt_006_roles_of_other_dialects_find_theirs(write: Callable[..., Any]) -> None:
    """developer is system, tool is user."""
    body = write(chat(say("developer", "d"), say("user", "u"), CALLS, result("a"), result("b"))).body
    assert body["system"] == [{"type": "text", "text": "d"}]
    assert {m["role"] for m in body["messages"]} == {"user", "assistant"}
