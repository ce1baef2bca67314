"""Tools: one call, several at once, and loops over several turns, in every pairing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.e2e.ask import Tool
from tests.e2e.wires.turn import Call, Turn

if TYPE_CHECKING:
    from tests.e2e.ask import Sdk
    from tests.e2e.conftest import ScriptedProvider

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER, CLOCK = Tool("get_weather", CITY), Tool("get_time", {"type": "object", "properties": {}})
ONE = Turn(calls=(Call("call_a1", "get_weather", '{"city": "Köln \\"Süd\\""}'),))
TWO = Turn("Let me see.", (Call("call_a1", "get_weather", '{"city": "Köln"}'), Call("call_b2", "get_time", "{}")))


def blocks(message: Any) -> list[Any]:
    """A message's content parts; none for plain text."""
    content = message.get("content")
    return content if isinstance(content, list) else []


def results_in(body: Any) -> dict[str, str]:
    """The tool results in a provider's request, in order, whichever its format."""
    found = {}
    for message in body["messages"]:
        if message["role"] == "tool":
            found[message["tool_call_id"]] = plain(message["content"])
        found |= {b["tool_use_id"]: plain(b["content"]) for b in blocks(message) if b["type"] == "tool_result"}
    return found


def plain(content: Any) -> str:
    """Text, or a list of one text part."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def calls_in(body: Any) -> list[tuple[str, str, Any]]:
    """The tool calls in a provider's request, in order."""
    found: list[tuple[str, str, Any]] = []
    for message in body["messages"]:
        functions = [(call["id"], call["function"]) for call in message.get("tool_calls") or ()]
        found += [(key, function["name"], json.loads(function["arguments"])) for key, function in functions]
        found += [(b["id"], b["name"], b["input"]) for b in blocks(message) if b["type"] == "tool_use"]
    return found


def test_tools_are_offered(sdk: Sdk, provider: ScriptedProvider) -> None:
    """Names and schemas reach the provider as they were given."""
    provider.says(Turn("No need."))
    sdk.talk(provider.target, WEATHER, CLOCK).say("Hello.").ask(streamed=False)
    tools = provider.upstream.requests[0].json["tools"]
    seen = [tool.get("function", tool) for tool in tools]
    assert [tool["name"] for tool in seen] == ["get_weather", "get_time"]
    assert [tool.get("parameters", tool.get("input_schema")) for tool in seen] == [WEATHER.schema, CLOCK.schema]


def test_tool_is_called(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """One call arrives with its id, its name and its arguments, and the end says that a tool is wanted."""
    provider.says(ONE)
    heard = sdk.talk(provider.target, WEATHER).say("The weather in Köln?").ask(streamed=streamed)
    assert heard.calls == (("call_a1", "get_weather", {"city": 'Köln "Süd"'}),)
    assert (heard.text, heard.finish) == ("", "tool_calls")


def test_parallel_tools_are_called(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """Text and two calls of one turn arrive whole, in order, unmixed."""
    provider.says(TWO)
    heard = sdk.talk(provider.target, WEATHER, CLOCK).say("Weather and time?").ask(streamed=streamed)
    assert heard.text == "Let me see."
    assert heard.calls == (("call_a1", "get_weather", {"city": "Köln"}), ("call_b2", "get_time", {}))
    assert heard.finish == "tool_calls"


def test_tool_loop_comes_to_its_end(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """Calls, results, another call, its result, the answer: the provider sees the whole story each time."""
    later = Turn(calls=(Call("call_c3", "get_weather", '{"city": "Bonn"}'),))
    provider.says(TWO, later, Turn("Rain in both."))
    talk = sdk.talk(provider.target, WEATHER, CLOCK).say("Weather and time?")
    first = talk.ask(streamed=streamed)
    talk.give({first.calls[0][0]: "rain", first.calls[1][0]: "12:00"})
    second = talk.ask(streamed=streamed)
    talk.give({second.calls[0][0]: "rain, too"})
    assert talk.ask(streamed=streamed).text == "Rain in both."
    last = provider.upstream.requests[2].json
    assert calls_in(last) == [
        ("call_a1", "get_weather", {"city": "Köln"}),
        ("call_b2", "get_time", {}),
        ("call_c3", "get_weather", {"city": "Bonn"}),
    ]
    assert results_in(last) == {"call_a1": "rain", "call_b2": "12:00", "call_c3": "rain, too"}
    assert "Let me see." in str(last["messages"])


def test_results_of_parallel_tools_stay_together(sdk: Sdk, provider: ScriptedProvider) -> None:
    """Anthropic wants all results of a turn in one user message; OpenAI one tool message each, right behind the calls."""
    provider.says(TWO, Turn("Rain."))
    talk = sdk.talk(provider.target, WEATHER, CLOCK).say("Weather and time?")
    heard = talk.ask(streamed=False)
    talk.give({heard.calls[0][0]: "rain", heard.calls[1][0]: "12:00"}).ask(streamed=False)
    roles = [message["role"] for message in provider.upstream.requests[1].json["messages"]]
    expected = {"openai": ["user", "assistant", "tool", "tool"], "anthropic": ["user", "assistant", "user"]}
    assert roles == expected[provider.name]


def test_tool_choice_is_carried(sdk: Sdk, provider: ScriptedProvider) -> None:
    """A forced tool is forced at the provider, in its own words."""
    provider.says(ONE)
    forced: dict[str, Any] = {
        "openai": {"type": "function", "function": {"name": "get_weather"}},
        "anthropic": {"type": "tool", "name": "get_weather"},
    }
    sdk.talk(provider.target, WEATHER, CLOCK).say("Hm.").ask(streamed=False, tool_choice=forced[sdk.name])
    assert provider.upstream.requests[0].json["tool_choice"] == forced[provider.name]


def test_echo_loops_too(sdk: Sdk, *, streamed: bool) -> None:
    """The echo calls the tools that the prompt names, and ends with their results."""
    talk = sdk.talk("echo/echo", WEATHER, CLOCK).say('Call get_weather {"city": "Oslo"} and get_time, please.')
    heard = talk.ask(streamed=streamed)
    assert [call[1] for call in heard.calls] == ["get_weather", "get_time"]
    assert heard.calls[0][2] == {"city": "Oslo"}
    talk.give({heard.calls[0][0]: "rain", heard.calls[1][0]: "noon"})
    last = talk.ask(streamed=streamed)
    assert (last.text, last.finish, last.calls) == ("rain\nnoon", "stop", ())
