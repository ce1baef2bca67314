"""Pictures, structured output and thinking, in every pairing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.ask import AnthropicSdk, OpenAISdk, Sdk
    from tests.e2e.conftest import ScriptedProvider

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "rain": {"type": "boolean"}},
    "required": ["city", "rain"],
    "additionalProperties": False,
}
ANSWER = '{"city": "Köln", "rain": true}'
FORMATS: dict[str, dict[str, Any]] = {
    "openai": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA, "strict": True}}
    },
    "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
}
THOUGHTFUL: dict[str, dict[str, Any]] = {
    "openai": {"reasoning_effort": "high"},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
}


def test_picture_arrives(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """A base64 picture reaches the provider byte for byte, in the provider's own words, beside its text."""
    provider.says(Turn("A pixel."))
    heard = sdk.talk(provider.target).say("What is this?", PIXEL).ask(streamed=streamed)
    assert heard.text == "A pixel."
    content = provider.upstream.requests[0].json["messages"][0]["content"]
    (image,) = [part for part in content if part["type"].startswith("image")]
    if provider.name == "openai":
        assert image["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"
    else:
        assert image["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert [part["text"] for part in content if part["type"] == "text"] == ["What is this?"]


def test_echo_sees_a_picture(sdk: Sdk, *, streamed: bool) -> None:
    """The echo says that there was one."""
    assert sdk.talk("echo/echo").say("Look:", PIXEL).ask(streamed=streamed).text == "Look: [image]"


def test_schema_is_carried(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """A JSON schema asked for in one format is asked for in the other, and the answer is the text itself."""
    provider.says(Turn(ANSWER))
    heard = sdk.talk(provider.target).say("The weather in Köln?").ask(streamed=streamed, **FORMATS[sdk.name])
    assert (json.loads(heard.text), heard.finish, heard.calls) == ({"city": "Köln", "rain": True}, "stop", ())
    body = provider.upstream.requests[0].json
    if provider.name == "openai":
        assert body["response_format"]["type"] == "json_schema"
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert body["response_format"]["json_schema"]["name"]
    else:
        assert body["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}


def test_echo_fills_a_schema(sdk: Sdk, *, streamed: bool) -> None:
    """Without a network, structured output has the asked-for shape."""
    heard = sdk.talk("echo/echo").say("Anything.").ask(streamed=streamed, **FORMATS[sdk.name])
    assert {name: type(value) for name, value in json.loads(heard.text).items()} == {"city": str, "rain": bool}


def test_thinking_is_asked_for(sdk: Sdk, provider: ScriptedProvider) -> None:
    """The wish to think reaches the provider in its own words."""
    provider.says(Turn("Rain."))
    sdk.talk(provider.target).say("Think.").ask(streamed=False, **THOUGHTFUL[sdk.name])
    body = provider.upstream.requests[0].json
    if provider.name == "openai":
        assert body["reasoning_effort"] in {"low", "medium", "high"}
    else:
        assert body["thinking"]["type"] in {"enabled", "adaptive"}


def test_thinking_is_heard(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """What a model thought arrives apart from what it said, in either format."""
    provider.says(Turn("Rain.", thinking="Clouds, mostly. ☁️", signature="c2lnbmVkIQ=="))
    heard = sdk.talk(provider.target).say("Think.").ask(streamed=streamed, **THOUGHTFUL[sdk.name])
    assert (heard.thinking, heard.text) == ("Clouds, mostly. ☁️", "Rain.")


def test_signed_thinking_goes_back_unchanged(
    sdk: Sdk, anthropic_sdk: AnthropicSdk, openai_sdk: OpenAISdk, provider: ScriptedProvider, *, streamed: bool
) -> None:
    """A thought that its provider signed is in the next request, byte for byte and first, whichever SDK carried it home."""
    if provider.name != "anthropic":
        return
    provider.says(Turn("Rain.", thinking="Clouds.", signature="c2lnbmVkIQ=="), Turn("Snow."))
    talk = sdk.talk(provider.target)
    talk.say("Today?").ask(streamed=streamed, **THOUGHTFUL[sdk.name])
    talk.say("Tomorrow?").ask(streamed=streamed, **THOUGHTFUL[sdk.name])
    answer = provider.upstream.requests[1].json["messages"][1]
    assert answer["content"][0] == {"type": "thinking", "thinking": "Clouds.", "signature": "c2lnbmVkIQ=="}
    assert answer["content"][1]["text"] == "Rain."


def test_echo_thinks(sdk: Sdk, *, streamed: bool) -> None:
    """The echo thinks when it is asked to."""
    heard = sdk.talk("echo/echo").say("two words").ask(streamed=streamed, **THOUGHTFUL[sdk.name])
    assert (heard.thinking, heard.text) == ("The last message has 2 words. I repeat it.", "two words")
