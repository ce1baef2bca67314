"""Translation cases: asking for thinking, and thinking in the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import (
    Block,
    ChatRequest,
    Message,
    Opaque,
    Reasoning,
    RedactedThinking,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

USER = Message("user", (Text("u"),))
BASE = ChatRequest("m", (USER,), sampling=Sampling(max_tokens=50_000), dialect="openai.chat")
OWN = "anthropic.messages"
OLD, NEW, ALWAYS = "claude-sonnet-4-5", "claude-opus-5", "claude-opus-5-5"


def asked(effort: str | None = None, **fields: Any) -> ChatRequest:
    """A request with this wish."""
    return evolve(BASE, reasoning=Reasoning(effort=effort, **fields))


@pytest.mark.parametrize(
    ("effort", "model", "thinking", "word"),
    [
        ("minimal", OLD, {"type": "enabled", "budget_tokens": 1024}, None),
        ("high", OLD, {"type": "enabled", "budget_tokens": 16_384}, None),
        ("minimal", NEW, {"type": "adaptive"}, "low"),
        ("low", NEW, {"type": "adaptive"}, "low"),
        ("medium", ALWAYS, {"type": "adaptive"}, "medium"),
        ("xhigh", NEW, {"type": "adaptive"}, "xhigh"),
        ("xhigh", "claude-opus-4-6", {"type": "adaptive"}, "high"),
        ("none", OLD, None, None),
        ("none", "claude-opus-4-8", None, None),
        ("none", NEW, {"type": "disabled"}, None),
        ("none", "claude-sonnet-5-5", {"type": "between_tools"}, None),
    ],
)
def test_wt_037_effort_by_generation(
    write: Callable[..., Any], effort: str, model: str, thinking: Any, word: str | None
) -> None:
    """Old models get a budget, new ones a word; ``none`` switches off what would be on."""
    written = write(asked(effort), model)
    assert written.body.get("thinking") == thinking
    assert written.body.get("output_config", {}).get("effort") == word
    assert written.lost == ()


def test_wt_037_an_unknown_effort_is_refused(write: Callable[..., Any]) -> None:
    """A 400 that names the words there are."""
    with pytest.raises(InvalidRequest, match="minimal, low") as caught:
        write(asked("extreme"))
    assert caught.value.param == "reasoning_effort"


def test_wt_037_what_a_model_cannot_do_is_a_loss(write: Callable[..., Any]) -> None:
    """One that never thinks, and one that always does."""
    assert write(asked("high"), "claude-3-5-haiku-latest").lost == ("reasoning_effort",)
    assert write(asked("none"), ALWAYS).lost == ("reasoning_effort",)


@pytest.mark.parametrize(
    ("fields", "thinking", "word"),
    [
        ({"budget_tokens": 5000}, {"type": "adaptive"}, "medium"),
        ({"budget_tokens": 0}, {"type": "disabled"}, None),
        ({"budget_tokens": -1, "mode": "adaptive"}, {"type": "adaptive"}, None),
        ({"mode": "disabled"}, {"type": "disabled"}, None),
        ({"effort": "low", "extra": {"summary": "auto"}}, {"type": "adaptive", "display": "summarized"}, "low"),
    ],
)
def test_wt_037_other_ways_to_say_it(
    write: Callable[..., Any], fields: dict[str, Any], thinking: Any, word: str | None
) -> None:
    """Budgets and modes of other dialects, and the wish to see a summary."""
    body = write(asked(**fields), NEW).body
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == word


@pytest.mark.parametrize(
    ("most", "budget"), [(100_000, 16_384), (4096, 3072), (1500, 1024), (1025, 1024), (1024, None)]
)
def test_wt_038_a_budget_stays_below_max_tokens(write: Callable[..., Any], most: int, budget: int | None) -> None:
    """It is capped; when not even the least one fits, there is no thinking."""
    thinking = write(evolve(asked("high"), sampling=Sampling(max_tokens=most))).body.get("thinking")
    assert (None if thinking is None else thinking["budget_tokens"]) == budget


def history(*blocks: Block) -> tuple[Message, ...]:
    """A tool loop whose assistant message has these blocks and one call."""
    return (USER, Message("assistant", (*blocks, ToolCall("1", "f", "{}"))), Message("tool", (ToolResult("1"),)))


def test_wt_039_thinking_is_left_out_only_when_no_thinking_came_before(write: Callable[..., Any]) -> None:
    """The API refuses a budget when calls lack the thinking they began with."""
    assert "thinking" not in write(evolve(asked("high"), messages=history())).body
    signed = history(Thinking("t", "sig", OWN))
    assert "thinking" in write(evolve(asked("high"), messages=signed)).body
    assert "thinking" in write(evolve(asked("high"), messages=history()), NEW).body


def test_wt_040_thinking_comes_back_as_it_was(write: Callable[..., Any]) -> None:
    """First in the turn, in its order, the signature byte for byte, without a cache mark."""
    signature = "Eq+/==\u00e9"
    blocks = (Text("look"), Thinking("a", signature, OWN), RedactedThinking("xx", OWN), Thinking("", "omitted", OWN))
    content = write(evolve(BASE, messages=history(*blocks))).body["messages"][1]["content"]
    assert content[:3] == [
        {"type": "thinking", "thinking": "a", "signature": signature},
        {"type": "redacted_thinking", "data": "xx"},
        {"type": "thinking", "thinking": "", "signature": "omitted"},
    ]
    assert [block["type"] for block in content[3:]] == ["text", "tool_use"]


def test_wt_040_server_tools_keep_thinking_in_its_place(write: Callable[..., Any]) -> None:
    """Interleaved thinking stands where it stood."""
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    blocks = (Text("look"), Opaque(OWN, "server_tool_use", search), Thinking("a", "s", OWN))
    content = write(evolve(BASE, messages=history(*blocks))).body["messages"][1]["content"]
    assert [block["type"] for block in content] == ["text", "server_tool_use", "thinking", "tool_use"]


@pytest.mark.parametrize(
    "block",
    [
        Thinking("t"),
        Thinking("t", "", OWN),
        Thinking("t", "sig", "gemini.generate"),
        RedactedThinking("x", "openai.responses"),
    ],
)
def test_wt_041_wt_115_thinking_that_cannot_be_verified_is_left_out(write: Callable[..., Any], block: Block) -> None:
    """After a change of model: no error, and no loss to report."""
    written = write(evolve(BASE, messages=(USER, Message("assistant", (block, Text("a"))), USER)))
    assert [part["type"] for part in written.body["messages"][1]["content"]] == ["text"]
    assert written.lost == ()


def test_wt_041_a_turn_of_nothing_else_goes_too(write: Callable[..., Any]) -> None:
    """The user's turns around it are one."""
    written = write(evolve(BASE, messages=(USER, Message("assistant", (Thinking("t"),)), USER)))
    assert [message["role"] for message in written.body["messages"]] == ["user"]


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("tool", "f")])
@pytest.mark.parametrize(
    ("model", "effort", "lost"),
    [
        (OLD, "high", ("tool_choice",)),
        ("claude-opus-4-6", "high", ("tool_choice",)),
        (OLD, None, ()),
        (NEW, "high", ()),
        (ALWAYS, None, ("tool_choice",)),
        ("claude-fable-5-1", None, ("tool_choice",)),
        ("claude-sonnet-5-5", None, ("tool_choice",)),
        ("claude-haiku-5-5", None, ()),
    ],
)
def test_wt_042_forced_tools_and_thinking(
    write: Callable[..., Any], choice: ToolChoice, model: str, effort: str | None, lost: tuple[str, ...]
) -> None:
    """A force that would be refused is a loss: a 400, or ``auto`` where the operator lets losses drop."""
    chat = evolve(asked(effort) if effort else BASE, tools=(Tool("f"),), tool_choice=choice)
    written = write(chat, model)
    assert written.lost == lost
    assert (written.body["tool_choice"]["type"] == "auto") is bool(lost)


def test_temperature_cannot_be_set_while_the_model_thinks(write: Callable[..., Any]) -> None:
    """The API refuses the pair."""
    chat = evolve(asked("low"), sampling=Sampling(max_tokens=9000, temperature=0.1, top_k=3, top_p=0.5))
    assert write(chat).lost == ("temperature", "top_p", "top_k")
