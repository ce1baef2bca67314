"""A request that came in another dialect, on its way to a provider of this one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from attrs import asdict

from llmgate_core.dialect import Losses
from llmgate_core.messages import (
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    RedactedThinking,
    Sampling,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

PICTURE = Image(Source("base64", "QUJD", "image/png"))
CALLS = Message("assistant", (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}")))


def test_wt_092_pictures_of_tools_follow_the_whole_run(wire: Wire, check_request: Callable[[Any], None]) -> None:
    """Tool messages hold text only: pictures move into the user's message behind all results."""
    written = wire.write(
        wire.foreign(
            Message("user", (Text("go"),)),
            CALLS,
            Message("user", (ToolResult("c1", (Text("see"), PICTURE)),)),
            Message("user", (ToolResult("c2", (PICTURE,)), Text("and?"))),
        )
    )
    assert [message["role"] for message in written["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert [message["content"] for message in written["messages"][2:4]] == ["see", ""]
    assert [part["type"] for part in written["messages"][4]["content"]] == ["image_url", "image_url", "text"]
    check_request(written)


def test_wt_093_results_before_the_users_text(wire: Wire) -> None:
    """Whatever order a user's turn has, the results directly follow the calls."""
    written = wire.write(
        wire.foreign(
            CALLS, Message("user", (Text("first"), ToolResult("c1", (Text("1"),)), ToolResult("c2", (Text("2"),))))
        )
    )
    assert [(m["role"], m["content"]) for m in written["messages"][1:]] == [
        ("tool", "1"),
        ("tool", "2"),
        ("user", "first"),
    ]


def test_wt_094_tool_reference(wire: Wire) -> None:
    """A pointer to another tool shows nothing here, but its call stays answered."""
    result = ToolResult(
        "c1", (Opaque("other.dialect", "tool_reference", {"type": "tool_reference", "tool_name": "x"}),)
    )
    written, lost = wire.lossy(wire.foreign(CALLS, Message("user", (result,))))
    assert lost == ()
    assert written["messages"][1] == {"role": "tool", "tool_call_id": "c1", "content": ""}


def test_wt_028_failed_tool_is_told_to_the_model(wire: Wire) -> None:
    """There is no flag for a failed call: the text says it, whatever the result holds."""
    results = [
        ToolResult("c1", (Text("no such city"),), is_error=True),
        ToolResult("c2", (), is_error=True),
        ToolResult("c3", (Text("fine"),), is_error=False),
    ]
    messages = wire.write(wire.foreign(CALLS, Message("user", tuple(results))))["messages"]
    assert [message["content"] for message in messages[1:]] == ["Error: no such city", "Error: ", "fine"]


def test_wt_096_stop_top_k_and_user(wire: Wire) -> None:
    """At most four stop sequences, no top_k, and a user's id of at most 64 characters."""
    sampling = Sampling(stop=("a", "b", "c", "d", "e"), top_k=5)
    written, lost = wire.lossy(wire.foreign(sampling=sampling, user="u" * 65))
    assert lost == ("stop", "top_k")
    assert written["stop"] == ["a", "b", "c", "d"]
    assert "top_k" not in written
    assert written["user"] == hashlib.sha256(b"u" * 65).hexdigest()
    assert wire.write(wire.foreign(user="u" * 64))["user"] == "u" * 64
    assert wire.write(wire.read(top_k=5))["top_k"] == 5


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        (Reasoning("disabled"), "none"),
        (Reasoning("enabled", budget_tokens=1024), "low"),
        (Reasoning("enabled", budget_tokens=8000), "medium"),
        (Reasoning("enabled", budget_tokens=32000), "high"),
        (Reasoning("enabled"), "medium"),
        (Reasoning("adaptive"), None),
        (Reasoning("adaptive", "max"), "max"),
        (Reasoning("adaptive", "low", extra={"display": "omitted"}), "low"),
    ],
)
def test_wt_097_thinking_becomes_an_effort(wire: Wire, reasoning: Reasoning, effort: str | None) -> None:
    """A budget becomes the nearest word, always as a plain string."""
    assert wire.write(wire.foreign(reasoning=reasoning)).get("reasoning_effort") == effort


def test_wt_218_effort_is_a_string(wire: Wire) -> None:
    """What another dialect says beside the effort does not come along."""
    reasoning = Reasoning(effort="high", extra={"summary": "auto"})
    assert wire.write(wire.foreign(reasoning=reasoning))["reasoning_effort"] == "high"


def test_wt_115_thoughts_of_another_model_stay_behind(wire: Wire) -> None:
    """Thinking that proves nothing here is no error after a switch of models."""
    said = Message("assistant", (Thinking("hm", "sig", "other.dialect"), RedactedThinking("x"), Text("yes")))
    assert wire.write(wire.foreign(said))["messages"] == [{"role": "assistant", "content": "yes"}]


def test_records_are_dropped_and_wishes_are_told(wire: Wire) -> None:
    """Extras on earlier answers and caching hints go quietly; what a client asked for is named."""
    mark = {"type": "ephemeral"}
    said = Message(
        "assistant", (Text("a", mark, {"citations": [{"url": "u"}]}), ToolCall("c", "f", "{}", extra={"caller": 1}))
    )
    asked = Message(
        "user", (Text("b", mark, {"x": 1}), File(Source("base64", "QUJD", "application/pdf"), extra={"citations": {}}))
    )
    chat = wire.foreign(
        Message("system", (Text("s"),)), said, asked,
        extra={"cache_control": mark, "context_management": {}, "container": "c"},
    )  # fmt: skip
    written, lost = wire.lossy(chat)
    assert lost == ("messages[1].content[0].x", "messages[1].content[1].citations", "container")
    assert b"cache_control" not in msgspec.json.encode(written)


def test_blocks_that_have_no_place_are_named(wire: Wire) -> None:
    """Another provider's files and server tool blocks are losses with the path the client knows."""
    _, lost = wire.lossy(
        wire.foreign(
            Message("system", (Text("s"),)),
            Message("user", (File(Source("file_id", "f1")), Image(Source("file_id", "f2")), Text("x"))),
            Message("assistant", (Opaque("other.dialect", "server_tool_use", {}),)),
        )
    )
    assert lost == ("messages[0].content[0].source", "messages[0].content[1].source", "messages[1].content[0]")


def test_documents(wire: Wire, check_request: Callable[[Any], None]) -> None:
    """Documents are sent inline with a name; one of plain text is said under its title."""
    pdf, text = Source("base64", "QUJD", "application/pdf"), Source("text", "all of it", "text/plain")
    written = wire.write(wire.foreign(Message("user", (File(pdf), File(pdf, "a.pdf"), File(text, "notes")))))
    data = "data:application/pdf;base64,QUJD"
    assert written["messages"][0]["content"] == [
        {"type": "file", "file": {"file_data": data, "filename": "document.pdf"}},
        {"type": "file", "file": {"file_data": data, "filename": "a.pdf"}},
        {"type": "text", "text": "notes\n\nall of it"},
    ]
    check_request(written)


def test_assistant_text_is_one_string(wire: Wire) -> None:
    """Blocks of one answer are one text, calls alone have no content, and a call without arguments gets an object."""
    written = wire.write(
        wire.foreign(Message("assistant", (Text("a"), Text("b"))), Message("assistant", (ToolCall("c", "f", ""),)))
    )
    assert written["messages"][0]["content"] == "ab"
    assert written["messages"][1]["content"] is None
    assert written["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_long_call_ids_are_shortened_alike(wire: Wire) -> None:
    """An id longer than the API takes is shortened in the call and in its result."""
    call_id = "call_1__thought__" + "A" * 200
    messages = wire.write(
        wire.foreign(
            Message("assistant", (ToolCall(call_id, "f", "{}"),)), Message("user", (ToolResult(call_id, (Text("1"),)),))
        )
    )["messages"]
    assert messages[0]["tool_calls"][0]["id"] == messages[1]["tool_call_id"]
    assert len(messages[1]["tool_call_id"]) <= 40


def test_limit_goes_by_the_name_the_model_knows(wire: Wire) -> None:
    """Reasoning models refuse max_tokens, compatible servers often know nothing else."""
    chat = wire.foreign(sampling=Sampling(max_tokens=9))
    for model in ("o3-mini", "gpt-5", "gpt-6.1-sol", "ft:o3:x"):
        assert wire.write(chat, model)["max_completion_tokens"] == 9
    for model in ("gpt-4o", "llama-3", "olmo", "gpt-oss-20b"):
        assert wire.write(chat, model)["max_tokens"] == 9


def test_structured_output(wire: Wire, check_request: Callable[[Any], None]) -> None:
    """A schema gets a name, and is asked to be kept to when it has the form that can be."""
    closed = {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}
    written = wire.write(wire.foreign(output=OutputFormat("json_schema", closed)))
    assert written["response_format"]["json_schema"] == {"name": "output", "schema": closed, "strict": True}
    check_request(written)
    loose = {"type": "object", "properties": {"a": {}}}
    written = wire.write(wire.foreign(output=OutputFormat("json_schema", loose)))
    assert "strict" not in written["response_format"]["json_schema"]


@pytest.mark.parametrize(("tier", "written"), [("auto", "auto"), ("standard_only", "default"), ("batch", None)])
def test_service_tiers(wire: Wire, tier: str, written: str | None) -> None:
    """Tiers with a counterpart are mapped, others told."""
    body, lost = wire.lossy(wire.foreign(service_tier=tier))
    assert body.get("service_tier") == written
    assert lost == (() if written else ("service_tier",))


def test_stream_asks_for_usage(wire: Wire) -> None:
    """The gateway counts, whatever the client asked for."""
    assert wire.write(wire.foreign(stream=True))["stream_options"] == {"include_usage": True}
    own = wire.read(stream=True, stream_options={"include_obfuscation": False})
    assert wire.write(own)["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_wt_051_strict_upstream_sees_known_keys_only(wire: Wire) -> None:
    """Nothing of the gateway's own is in a translated request."""
    body = wire.write(wire.foreign(Message("user", (Text("a", {"type": "ephemeral"}),)), CALLS))
    assert set(body) == {"model", "messages"}
    assert set(body["messages"][0]) == {"role", "content"}
    assert set(body["messages"][1]) == {"role", "content", "tool_calls"}


SCRIPT = """
import sys
from llmgate_core.dialect import Losses
from llmgate_core.messages import *
from llmgate_openai import ChatDialect
tools = tuple(Tool("x.y" * n, parameters={"anyOf": [{"properties": {c: {} for c in "qwertz"}}]}) for n in range(1, 30))
chat = ChatRequest("m", (Message("user", (Text("hi"),)),), tools=tools, dialect="other", user="u" * 100)
sys.stdout.buffer.write(ChatDialect().write_request(chat, "m", Losses()).body)
"""


def test_wt_323_same_bytes_in_every_process() -> None:
    """The body does not depend on the hash seed: prompt caches would miss."""
    bodies = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(bodies) == 1
    assert len(bodies.pop()) > 100


def test_wt_324_nothing_is_changed_in_place(wire: Wire) -> None:
    """Writing twice from the same value gives the same, and leaves it as it was."""
    parameters: dict[str, Any] = {"anyOf": [{"properties": {"a": {"pattern": "["}}}]}
    chat = wire.read(
        tools=[{"type": "function", "function": {"name": "f", "parameters": parameters}}],
        messages=[{"role": "user", "content": "hi"}],
        stream=True,
        stream_options={"include_obfuscation": True},
    )
    before = asdict(chat)
    translated = wire.foreign(*chat.messages, tools=chat.tools)
    bodies = [wire.dialect.write_request(c, "m", Losses()).body for c in (chat, translated, chat, translated)]
    assert bodies[:2] == bodies[2:]
    assert asdict(chat) == before
