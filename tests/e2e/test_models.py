"""The list of models, as each SDK asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import httpx2
import openai
import pytest

from tests.e2e.ask import no_tls
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.ask import AnthropicSdk, OpenAISdk, Sdk
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess

EXPECTED = {"fast", "openai/gpt-4o", "anthropic/claude-sonnet-4-5", "echo/echo"}


@pytest.fixture(scope="module")
def more_config() -> str:
    """An alias."""
    return '[plugins.router.models]\nfast = ["anthropic/claude-sonnet-4-5"]\n'


def test_openai_lists_models(openai_sdk: OpenAISdk) -> None:
    """Aliases and each provider's models are there, once."""
    with openai_sdk.client() as client:
        models = list(client.models.list())
    names = [model.id for model in models]
    assert set(names) >= EXPECTED
    assert len(set(names)) == len(names)
    assert {model.object for model in models} == {"model"}


def test_plain_request_gets_the_usual_list(gateway: GatewayProcess) -> None:
    """Whoever says nothing of a dialect gets the list that most tools can read; a path that nobody serves, its errors."""
    with httpx2.Client(base_url=gateway.url, verify=no_tls()) as client:
        assert client.get("/v1/models").json()["object"] == "list"
        assert set(client.get("/v1/nothing").json()["error"]) == {"message", "type", "param", "code"}
        assert client.get("/v1/nothing", headers={"anthropic-version": "2023-06-01"}).json()["type"] == "error"


def test_anthropic_lists_models(anthropic_sdk: AnthropicSdk) -> None:
    """The same path answers in Anthropic's shape when its SDK asks."""
    with anthropic_sdk.client() as client:
        page = client.models.list()
    assert {model.id for model in page.data} >= EXPECTED
    assert {model.type for model in page.data} == {"model"}
    assert page.has_more is False


@pytest.mark.parametrize("name", ["fast", "openai/gpt-4o"])
def test_one_model_is_described(openai_sdk: OpenAISdk, anthropic_sdk: AnthropicSdk, name: str) -> None:
    """A name with a slash in it too."""
    with openai_sdk.client() as client:
        assert client.models.retrieve(name).id == name
    with anthropic_sdk.client() as other:
        assert other.models.retrieve(name).id == name


def test_unknown_model_is_not_described(openai_sdk: OpenAISdk, anthropic_sdk: AnthropicSdk) -> None:
    """A name that is in no list is a 404 for both."""
    with openai_sdk.client() as client, pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
    with anthropic_sdk.client() as other, pytest.raises(anthropic.NotFoundError):
        other.models.retrieve("no-such-model")


def test_alias_is_served(sdk: Sdk, anthropic_upstream: object, provider: ScriptedProvider, *, streamed: bool) -> None:
    """What is listed can be asked for: an alias goes where it points, a bare name to the provider that has it."""
    provider.says(Turn("Here."))
    asked = "fast" if provider.name == "anthropic" else "gpt-4o"
    assert sdk.talk(asked).say("Who?").ask(streamed=streamed).text == "Here."
    assert provider.upstream.requests[0].json["model"] == provider.model
