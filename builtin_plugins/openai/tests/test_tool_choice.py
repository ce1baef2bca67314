"""Tools and which of them may be called, in every form, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from llmgate_core.messages import Tool, ToolChoice

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

F = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
FORMS: list[tuple[Any, ToolChoice]] = [
    ("auto", ToolChoice("auto")),
    ("none", ToolChoice("none")),
    ("required", ToolChoice("required")),
    ({"type": "function", "function": {"name": "f"}}, ToolChoice("tool", "f")),
    ({"type": "custom", "custom": {"name": "g"}}, ToolChoice("tool", "g", extra={"type": "custom"})),
    (
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}],
            },
        },
        ToolChoice("allowed", names=("f", "g"), required=True, extra={"custom": ["g"]}),
    ),
]


@pytest.mark.parametrize(("native", "canonical"), FORMS, ids=[choice.mode + str(choice.name) for _, choice in FORMS])
def test_wt_001_tool_choice(
    wire: Wire, check_request: Callable[[Any], None], native: Any, canonical: ToolChoice
) -> None:
    """Every form has its canonical one, and comes back as it was."""
    chat = wire.read(tools=[F], tool_choice=native)
    assert chat.tool_choice == canonical
    written = wire.write(chat)
    assert written["tool_choice"] == native
    check_request(written)


@pytest.mark.parametrize(
    ("choice", "native"),
    [
        (None, None),
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("tool", "f"), {"type": "function", "function": {"name": "f"}}),
        (
            ToolChoice("allowed", names=("f",)),
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FORMS[3][0]]}},
        ),
    ],
)  # fmt: skip
def test_wt_001_tool_choice_of_another_dialect(
    wire: Wire, check_request: Callable[[Any], None], choice: ToolChoice | None, native: Any
) -> None:
    """A choice made elsewhere is written in this wire's words."""
    written = wire.write(wire.foreign(tools=(Tool("f", parameters={"type": "object"}),), tool_choice=choice))
    assert written.get("tool_choice") == native
    check_request(written)


def test_any_is_required(wire: Wire) -> None:
    """The word that some compatible servers use is understood."""
    assert wire.read(tool_choice="any").tool_choice == ToolChoice("required")


@pytest.mark.parametrize(
    ("native", "canonical"), [("none", ToolChoice("none")), ({"name": "f"}, ToolChoice("tool", "f"))]
)
def test_older_function_call(wire: Wire, native: Any, canonical: ToolChoice) -> None:
    """The field's older name and forms."""
    assert wire.read(function_call=native).tool_choice == canonical


def test_wt_002_parallel_tool_calls(wire: Wire) -> None:
    """Sequential calls are asked for by their name here; without tools the API refuses the field, so it is left out."""
    tools = (Tool("f"),)
    assert wire.write(wire.foreign(tools=tools, parallel_tool_calls=False))["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in wire.write(wire.foreign(tools=tools))
    alone = wire.write(wire.foreign(parallel_tool_calls=False, tool_choice=ToolChoice("auto")))
    assert not {"parallel_tool_calls", "tool_choice"} & set(alone)
    assert wire.write(wire.read(parallel_tool_calls=False))["parallel_tool_calls"] is False


def test_tools_come_back_as_they_were(wire: Wire, check_request: Callable[[Any], None]) -> None:
    """Function tools with every field, custom tools, and tools of kinds that only some server knows."""
    tools = [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"anyOf": [{}]}, "strict": True, "x": 1},
            "cache_control": {"type": "ephemeral"},
            "y": 2,
        },
        {"type": "custom", "custom": {"name": "g", "description": "d", "format": {"type": "text"}}},
    ]
    chat = wire.read(tools=[*tools, {"type": "web_search", "z": 1}])
    assert [tool.kind for tool in chat.tools] == ["function", "custom", "web_search"]
    assert wire.write(chat)["tools"] == [*tools, {"type": "web_search", "z": 1}]
    check_request(wire.write(wire.read(tools=tools)))


def test_wt_091_tool_of_type_custom_is_a_function(wire: Wire) -> None:
    """Elsewhere an ordinary tool says ``type: custom``: it is a function, and its schema keeps its own type."""
    tool = Tool("f", parameters={"type": "object", "properties": {}}, kind="custom")
    (written,) = wire.write(wire.foreign(tools=(tool,)))["tools"]
    assert (written["type"], written["function"]["parameters"]["type"]) == ("function", "object")


def test_wt_099_server_tool_of_another_provider_is_refused(wire: Wire) -> None:
    """A search that runs on another provider's servers is named as a loss, never forwarded raw."""
    search = Tool("web_search", kind="web_search_20250305", extra={"type": "web_search_20250305"})
    written, lost = wire.lossy(wire.foreign(tools=(Tool("f"), search)))
    assert lost == ("tools[1]",)
    assert [tool["function"]["name"] for tool in written["tools"]] == ["f"]


def test_wt_090_names_too_long_or_illegal(wire: Wire) -> None:
    """Names are renamed in tools, choice and history alike, distinct ones stay distinct, legal ones stay as they are."""
    long = "x" * 80
    chat = wire.foreign(
        tools=(Tool(long), Tool(long + "y"), Tool("a.b"), Tool("ok")), tool_choice=ToolChoice("tool", long)
    )
    written = wire.write(chat)
    names = [tool["function"]["name"] for tool in written["tools"]]
    assert len(set(names)) == 4
    assert all(len(name) <= 64 and name.replace("_", "").replace("-", "").isalnum() for name in names)
    assert names[3] == "ok"
    assert written["tool_choice"]["function"]["name"] == names[0]
    assert wire.write(evolve(chat, tools=chat.tools[:1]))["tools"][0]["function"]["name"] == names[0]
    own = wire.read(tools=[{"type": "function", "function": {"name": "a.b"}}])
    assert wire.write(own)["tools"][0]["function"]["name"] == "a.b"
