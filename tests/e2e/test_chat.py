"""Every pairing talks: both SDKs, both providers and the echo, whole and streamed, synchronous and asynchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.ask import AnthropicSdk, Sdk
    from tests.e2e.conftest import ScriptedProvider

TEXT = "It rains in Zürich. ☔\n\n“Always”, they say, \u2028 and 🌧️."


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def asynchronous(request: pytest.FixtureRequest) -> bool:
    """Both kinds of client."""
    return bool(request.param)


def test_text_arrives(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool, asynchronous: bool) -> None:
    """The answer's text, its end and its token counts are the provider's."""
    provider.says(Turn(TEXT, asked=120, answered=9, cached=100))
    heard = sdk.talk(provider.target).say("How is the weather?").ask(streamed=streamed, asynchronous=asynchronous)
    assert (heard.text, heard.finish, heard.usage, heard.calls) == (TEXT, "stop", (120, 9, 100), ())


def test_echo_repeats(sdk: Sdk, *, streamed: bool, asynchronous: bool) -> None:
    """The provider that is always there answers either SDK."""
    heard = sdk.talk("echo/echo").say(TEXT).ask(streamed=streamed, asynchronous=asynchronous)
    assert (heard.text, heard.finish) == (TEXT, "stop")
    assert heard.usage[0] == heard.usage[1] == len(TEXT.split())


def test_request_arrives(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """The provider gets its own model's name, the question, the wish for a stream, and the gateway's key: never the client's."""
    provider.says(Turn("Yes."))
    sdk.talk(provider.target).say("Is it raining?").ask(streamed=streamed, extra_body={"temperature": 0.5})
    (request,) = provider.upstream.requests
    assert request.json["model"] == provider.model
    assert (request.json["temperature"], bool(request.json.get("stream"))) == (0.5, streamed)
    assert "Is it raining?" in str(request.json["messages"])
    told = " ".join(request.headers.values())
    assert f"sk-upstream-{provider.name}-canary" in told
    assert "client-key" not in told
    assert request.path == {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[provider.name]


def test_anthropic_is_told_a_version(
    sdk: Sdk, anthropic_sdk: AnthropicSdk, provider: ScriptedProvider, *, streamed: bool
) -> None:
    """Its own SDK's version is passed on; for others the gateway names the one it writes; OpenAI hears of none."""
    provider.says(Turn("Yes."))
    sdk.talk(provider.target).say("Well?").ask(streamed=streamed)
    version = provider.upstream.requests[0].headers.get("anthropic-version")
    with anthropic_sdk.client() as client:
        own = client.default_headers["anthropic-version"]
    assert version == {"openai": None, "anthropic": own if sdk.name == "anthropic" else "2023-06-01"}[provider.name]


def test_answer_that_is_cut_short(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """A length limit is told as such in either format."""
    provider.says(Turn("It rai", finish="length"))
    heard = sdk.talk(provider.target).say("How is the weather?").ask(streamed=streamed)
    assert (heard.text, heard.finish) == ("It rai", "length")


def test_filtered_answer(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """A filter or a refusal is told as such in either format."""
    provider.says(Turn("I cannot", finish="content_filter"))
    heard = sdk.talk(provider.target).say("Say it.").ask(streamed=streamed)
    assert (heard.text, heard.finish) == ("I cannot", "content_filter")


def test_conversation_goes_on(sdk: Sdk, provider: ScriptedProvider, *, streamed: bool) -> None:
    """The second request carries the first answer back, and both questions, in order."""
    provider.says(Turn("Rain."), Turn("Snow."))
    talk = sdk.talk(provider.target)
    assert talk.say("And today?").ask(streamed=streamed).text == "Rain."
    assert talk.say("And tomorrow?").ask(streamed=streamed).text == "Snow."
    told = str(provider.upstream.requests[1].json["messages"])
    assert told.index("And today?") < told.index("Rain.") < told.index("And tomorrow?")


def test_system_prompt_arrives(sdk: Sdk, provider: ScriptedProvider) -> None:
    """What each SDK calls the system prompt is where each provider looks for it."""
    provider.says(Turn("Yes."))
    talk = sdk.talk(provider.target)
    if sdk.name == "openai":
        talk.messages.append({"role": "system", "content": "Be brief."})
        talk.say("Well?").ask(streamed=False)
    else:
        talk.say("Well?").ask(streamed=False, system="Be brief.")
    body = provider.upstream.requests[0].json
    if provider.name == "openai":
        assert body["messages"][0]["role"] in {"system", "developer"}
        assert "Be brief." in str(body["messages"][0]["content"])
    else:
        assert "Be brief." in str(body["system"])
        assert [message["role"] for message in body["messages"]] == ["user"]
