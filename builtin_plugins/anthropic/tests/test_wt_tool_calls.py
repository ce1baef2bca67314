"""Translation cases: tool calls and their results in the history."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_anthropic import AnthropicMessages
from llmgate_core.dialect import Losses
from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import ChatRequest, Message, Sampling, Text, ToolCall, ToolResult

USER = Message("user", (Text("u"),))


def chat(*messages: Message) -> ChatRequest:
    """A request as the codec of another dialect reads it."""
    return ChatRequest("m", messages, sampling=Sampling(max_tokens=100), dialect="openai.chat")


def calls(*ids: str, name: str = "f") -> Message:
    """An assistant message that calls a tool once for each id."""
    return Message("assistant", tuple(ToolCall(call_id, name, "{}") for call_id in ids))


def result(call_id: str, text: str = "ok", **fields: Any) -> Message:
    """A tool message."""
    return Message("tool", (ToolResult(call_id, (Text(text),) if text else (), **fields),))


def blocks(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """All blocks of one type, in order."""
    return [block for message in body["messages"] for block in message["content"] if block["type"] == kind]


def test_wt_022_ids_are_sanitised_the_same_way_in_call_and_result(write: Callable[..., Any]) -> None:
    """Distinct ids stay distinct, also those that differ only in what is not allowed."""
    ids = ("functions.Bash:0", "functions_Bash_0", "functions/Bash:0")
    body = write(chat(USER, calls(*ids), *(result(call_id) for call_id in ids))).body
    sent = [block["id"] for block in blocks(body, "tool_use")]
    assert sent == [block["tool_use_id"] for block in blocks(body, "tool_result")]
    assert len(set(sent)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", call_id) for call_id in sent)
    assert "functions_Bash_0" in sent


def test_wt_024_of_repeated_results_the_last_counts(write: Callable[..., Any]) -> None:
    """A resumed session may hold the result twice: exactly one goes out."""
    body = write(chat(USER, calls("a"), result("a", "old"), result("a", "new"))).body
    assert [block["content"][0]["text"] for block in blocks(body, "tool_result")] == ["new"]


@pytest.mark.parametrize(
    ("messages", "code", "at"),
    [
        ((USER, result("a")), "orphan_tool_result", "messages[0]"),
        ((USER, calls("a"), result("b")), "orphan_tool_result", "messages[2]"),
        ((USER, calls("a", "b"), result("a")), "missing_tool_result", "messages[2]"),
        ((USER, calls("a")), "missing_tool_result", "messages[1]"),
        (
            (USER, calls("a"), USER, Message("assistant", (Text("x"),)), result("a")),
            "missing_tool_result",
            "messages[2]",
        ),
    ],
)
def test_wt_025_calls_and_results_that_do_not_match_are_refused(
    write: Callable[..., Any], messages: tuple[Message, ...], code: str, at: str
) -> None:
    """A 400 that says which call or result, and where."""
    with pytest.raises(InvalidRequest) as caught:
        write(chat(*messages))
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, at)
    assert "'a'" in caught.value.message or "'b'" in caught.value.message


def test_wt_025_repair_mends_the_history_when_asked(judge_request: Callable[[Any], None]) -> None:
    """The orphan is left out, and the call without a result gets one that says so."""
    import json

    dialect = AnthropicMessages(repair_tool_results=True)
    messages = (USER, calls("a", "b"), result("a"), result("zzz"), calls("c"))
    body = json.loads(dialect.write_request(chat(*messages), "claude-sonnet-4-5", Losses()).body)
    judge_request(body)
    assert [block["tool_use_id"] for block in blocks(body, "tool_result")] == ["a", "b", "c"]
    assert [block.get("is_error") for block in blocks(body, "tool_result")] == [None, True, True]


def test_wt_026_an_id_used_again_in_a_later_turn_gets_one_of_its_own(write: Callable[..., Any]) -> None:
    """Ids must be unique over the conversation; each result still names its own call."""
    body = write(chat(USER, calls("call_0"), result("call_0", "1"), calls("call_0"), result("call_0", "2"))).body
    first, second = (block["id"] for block in blocks(body, "tool_use"))
    assert first != second
    assert [block["tool_use_id"] for block in blocks(body, "tool_result")] == [first, second]


def test_wt_026_a_call_repeated_within_a_turn_goes_out_once(write: Callable[..., Any]) -> None:
    """Histories that were merged hold the same call twice."""
    assert len(blocks(write(chat(USER, calls("a"), calls("a"), result("a"))).body, "tool_use")) == 1


def test_wt_028_an_error_flag_is_kept_and_none_is_made_up(write: Callable[..., Any]) -> None:
    """A result without the flag stays without; a flag stays."""
    body = write(chat(USER, calls("a", "b"), result("a"), result("b", is_error=True))).body
    assert [block.get("is_error") for block in blocks(body, "tool_result")] == [None, True]


def test_a_result_without_content_has_none(write: Callable[..., Any]) -> None:
    """An empty text block would be refused."""
    assert "content" not in blocks(write(chat(USER, calls("a"), result("a", ""))).body, "tool_result")[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"q":1}', {"q": 1}),
        ("", {}),
        ("  ", {}),
        ("{oops", {"invalid_json": "{oops"}),
        ("[1]", {"invalid_json": "[1]"}),
    ],
)
def test_arguments_become_an_object(write: Callable[..., Any], arguments: str, expected: dict[str, Any]) -> None:
    """What a model wrote wrongly is kept as text: a conversation must be able to go on."""
    call = Message("assistant", (ToolCall("a", "f", arguments),))
    assert blocks(write(chat(USER, call, result("a"))).body, "tool_use")[0]["input"] == expected


def test_tools_of_the_history_are_defined_when_none_are_offered(write: Callable[..., Any]) -> None:
    """The API wants calls to have a definition; they may not be called again."""
    body = write(chat(USER, calls("a", name="old"), result("a"))).body
    assert [tool["name"] for tool in body["tools"]] == ["old"]
    assert body["tool_choice"] == {"type": "none"}
