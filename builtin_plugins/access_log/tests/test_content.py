"""Messages in the log: only when switched on, cut, and without what must not be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_access_log.line import LineMaker
from llmgate_access_log.redaction import SHOWN, Redaction
from llmgate_core import Exchange
from llmgate_core.messages import ChatRequest, Image, Message, Source, Text, ToolCall, ToolResult

Make = Callable[..., Exchange]


def messages(exchange: Exchange, longest: int = 100, *more: str) -> Any:
    """The messages in the exchange's line."""
    return json.loads(LineMaker(Redaction(more), longest).line(exchange)).get("messages")


def test_messages_are_told_in_words(make_exchange: Make) -> None:
    """Text as it is, tools by name, everything else by its kind; never the bytes of an image."""
    exchange = make_exchange()
    blocks = (Text("look:"), Image(Source("base64", "aGVsbG8=")))
    chat = ChatRequest(
        "m",
        (
            Message("user", blocks),
            Message("assistant", (ToolCall("c1", "weather", '{"city":"Oslo"}'),)),
            Message("tool", (ToolResult("c1", (Text("rain"),)),)),
        ),
    )
    exchange.request = exchange.request.with_canonical(chat)
    assert messages(exchange) == [
        {"role": "user", "content": "look:\n[image]"},
        {"role": "assistant", "content": '[calls weather] {"city":"Oslo"}'},
        {"role": "tool", "content": "[result]\nrain"},
    ]


def test_request_that_was_not_understood_has_no_messages(make_exchange: Make) -> None:
    """The line is written all the same."""
    assert messages(make_exchange(fields={"messages": 5})) is None


def test_long_message_is_cut(make_exchange: Make) -> None:
    """As many characters as configured, and a sign that there was more."""
    (message,) = messages(make_exchange(text="x" * 101), 100)
    assert message["content"] == "x" * 100 + "…"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-7f3a9b2c5d8e1f04",
        "sk-ant-api03-abcdefgh_ijkl",
        "SK_live_7f3a9b2c5d8e1f04",
        "gsk_7f3a9b2c5d8e1f04",
        "AIzaSyA1234567890abcdefghijklmnop",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "Bearer abc.def",
        "bearer  7f3a9b",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP",
        "ada.lovelace+test@mail.example.org",
    ],
)
def test_keys_and_addresses_are_not_shown(secret: str) -> None:
    """Every usual form of a key, and an e-mail address, is replaced; the words around it stay."""
    assert Redaction().clean(f"my key is {secret}, thanks", 500) == f"my key is {SHOWN}, thanks"


@pytest.mark.parametrize(
    "text", ["ask-me anything", "task-list", "a@b", "12:30 @ noon", "monkey-business", "risk-free"]
)
def test_ordinary_words_are_shown(text: str) -> None:
    """What only looks a little like a key stays."""
    assert Redaction().clean(text, 500) == text


def test_operators_patterns_come_on_top() -> None:
    """A pattern of the config is applied besides the shipped ones."""
    redaction = Redaction([r"\b\d{16}\b"])
    assert redaction.clean("card 4111111111111111 of a@b.example", 500) == f"card {SHOWN} of {SHOWN}"


@pytest.mark.parametrize("before", range(80, 101))
def test_secret_across_the_cut_is_not_shown_in_part(before: int) -> None:
    """Redaction comes before cutting, wherever the cut falls."""
    shown = Redaction().clean(" " * before + "sk-7f3a9b2c5d8e1f04" + " more" * 50, 100)
    assert "7f3a" not in shown


def test_hostile_text_is_searched_only_as_far_as_it_is_shown() -> None:
    """Megabytes made to keep the patterns busy would take minutes if they were searched whole."""
    hostile = ("a." * 50 + "@" + "a." * 50) * 200_000
    assert len(Redaction().clean(hostile, 4000)) == 4001


def test_only_the_last_messages_of_a_long_talk_are_told(make_exchange: Make) -> None:
    """The beginning of a long talk stood in the lines before."""
    exchange = make_exchange()
    talk = tuple(Message("user", (Text(str(number)),)) for number in range(200))
    exchange.request = exchange.request.with_canonical(ChatRequest("m", talk))
    told = messages(exchange)
    assert [message["content"] for message in told] == [str(number) for number in range(150, 200)]
