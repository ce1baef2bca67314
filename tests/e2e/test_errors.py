"""Every error a provider can answer with, as each SDK gets to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from llmgate_core.testing import Reply
from tests.e2e.ask import StatusError, refused

if TYPE_CHECKING:
    from tests.e2e.ask import Sdk
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess

# what the provider says, what the client sees, whether the provider's own words are kept
STATUSES = [
    (400, 400, True),
    (401, 502, False),
    (402, 503, False),
    (403, 502, False),
    (404, 502, True),  # the configuration vouches for this model; for one that only the client names see below
    (408, 504, True),
    (409, 409, True),
    (413, 413, True),
    (422, 422, True),
    (429, 429, True),
    (500, 502, True),
    (502, 502, True),
    (503, 503, True),
    (504, 504, True),
    (529, 503, True),
]
SECRET = "Incorrect API key provided: sk-upstream-canary"
PAGE = b"<html><body><h1>502 Bad Gateway</h1>cloud-edge</body></html>"


@pytest.fixture(scope="module")
def more_config() -> str:
    """Errors are seen as they come: nobody tries again or goes on."""
    return '[gateway]\ndisable = ["retry", "fallback", "key_rotation"]\n'


def failing(sdk: Sdk, model: str, *, streamed: bool) -> StatusError:
    """The error that the SDK raises."""
    error = refused(sdk.talk(model).say("Hello."), streamed=streamed)
    assert isinstance(error, sdk.error)
    return error


def details(error: StatusError) -> dict[str, Any]:
    """Type, message and the like, which the two SDKs keep at different depths."""
    body: Any = error.body
    return body["error"] if isinstance(error, anthropic.APIStatusError) else body  # type: ignore[no-any-return]  # as decoded


@pytest.mark.parametrize(("status", "seen", "kept"), STATUSES)
def test_status_is_told(
    sdk: Sdk, provider: ScriptedProvider, status: int, seen: int, *, kept: bool, streamed: bool
) -> None:
    """The status follows the table; the words are the provider's unless they may hold a key; an id is there."""
    provider.upstream.play(provider.wire.error(status, "The provider's words." if kept else SECRET))
    error = failing(sdk, provider.target, streamed=streamed)
    assert error.status_code == seen
    assert ("The provider's words." in details(error)["message"]) is kept
    assert "canary" not in str(error)
    assert error.response.headers["x-request-id"]
    assert error.response.headers["content-type"] == "application/json"
    assert len(provider.upstream.requests) == 1


def test_model_that_only_the_client_vouches_for_is_unknown(
    sdk: Sdk, provider: ScriptedProvider, *, streamed: bool
) -> None:
    """Nobody configured the name, so the provider's 404 is the client's: no such model."""
    provider.upstream.play(provider.wire.error(404, "The provider's words."))
    error = failing(sdk, f"{provider.name}/unheard-of", streamed=streamed)
    assert error.status_code == 404


@pytest.mark.parametrize(
    ("status", "openai_type", "anthropic_type"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (429, "rate_limit_error", "rate_limit_error"),
        (503, "server_error", "overloaded_error"),
    ],
)
def test_type_is_the_clients_own_word(
    sdk: Sdk, provider: ScriptedProvider, status: int, openai_type: str, anthropic_type: str
) -> None:
    """An error of the other provider has a type that the client's SDK knows."""
    if sdk.name == provider.name:
        return
    provider.upstream.play(provider.wire.error(status))
    told = details(failing(sdk, provider.target, streamed=False))
    assert told["type"] == {"openai": openai_type, "anthropic": anthropic_type}[sdk.name]


def test_own_error_is_the_providers_body(sdk: Sdk, provider: ScriptedProvider) -> None:
    """In the same dialect the provider's JSON is the answer, unknown fields and all."""
    if sdk.name != provider.name:
        return
    body = provider.wire.error_body(400, "Too long.", "context_length_exceeded")
    body["error"]["x_new"] = {"a": 1}
    provider.upstream.play(Reply.of(body, 400))
    assert details(failing(sdk, provider.target, streamed=False)) == body["error"]


def test_code_is_kept(sdk: Sdk, provider: ScriptedProvider) -> None:
    """What programs test for survives: OpenAI's code, at an OpenAI client."""
    if (sdk.name, provider.name) != ("openai", "openai"):
        return
    provider.upstream.play(provider.wire.error(400, "Too long.", "context_length_exceeded"))
    error = failing(sdk, provider.target, streamed=False)
    assert isinstance(error, openai.BadRequestError)
    assert error.code == "context_length_exceeded"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_page_of_a_proxy_is_not_shown(sdk: Sdk, provider: ScriptedProvider, status: int, *, streamed: bool) -> None:
    """HTML from something in between becomes JSON without a word of it."""
    provider.upstream.play(Reply(status, PAGE, {"content-type": "text/html"}))
    error = failing(sdk, provider.target, streamed=streamed)
    assert error.status_code == {500: 502}.get(status, status)
    assert "html" not in str(error)
    assert "cloud-edge" not in error.response.text


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"retry-after": "7"}, "7"),
        ({"retry-after-ms": "2500", "retry-after": "60"}, "3"),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_waiting_time_is_passed_on(
    sdk: Sdk, provider: ScriptedProvider, headers: dict[str, str], told: str | None
) -> None:
    """A limit that says when it ends says so to the client, in whole seconds; nonsense is not passed on."""
    provider.upstream.play(provider.wire.error(429, **headers))
    error = failing(sdk, provider.target, streamed=False)
    assert error.response.headers.get("retry-after") in ({told} if told else {None, "0"})


@pytest.mark.parametrize("status", [503, 529])
def test_overload_says_when_to_come_back(sdk: Sdk, provider: ScriptedProvider, status: int) -> None:
    """An overloaded provider that names no time still makes an answer that does, for clients that would come at once."""
    provider.upstream.play(provider.wire.error(status))
    error = failing(sdk, provider.target, streamed=False)
    assert (error.status_code, int(error.response.headers["retry-after"]) >= 1) == (503, True)


def test_unknown_model_is_a_404(sdk: Sdk, *, streamed: bool) -> None:
    """A name that nothing serves is told in the client's dialect, and no provider hears of it."""
    error = failing(sdk, "no-such-model", streamed=streamed)
    assert isinstance(error, (openai.NotFoundError, anthropic.NotFoundError))
    assert "no-such-model" in details(error)["message"]


def test_unknown_provider_is_a_404(sdk: Sdk, *, streamed: bool) -> None:
    """An address of a provider that is not configured is a 404 as well."""
    error = failing(sdk, "nobody/anything", streamed=streamed)
    assert error.status_code == 404


def test_nobody_listens(sdk: Sdk, gateway: GatewayProcess) -> None:
    """The echo's own way to fail like a network: a 502 that is no upstream's answer."""
    error = failing(sdk, "echo/fail-connect", streamed=False)
    assert error.status_code == 502
