"""The same dialect on both sides: nothing is lost, nothing is written anew, and nobody sees what is not theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from llmgate_core.testing import Reply, Stream
from tests.e2e.ask import no_tls
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.conftest import ScriptedProvider
    from tests.e2e.process import GatewayProcess

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
HEADERS = {"content-type": "application/json", "anthropic-version": "2023-06-01", "authorization": "Bearer client-key"}
ODD = (
    '{ "max_tokens" : 5,"x_new":{"a":[1.50,1e2],"é":"\\u2028 \\ud83d\\ude00"},\n'
    '"messages":[{"role":"user","content":"Hi \u2028"}],'
)
ANSWER = Turn("Yes, it rains. ☔", thinking="Clouds.", signature="c2ln")


def post(gateway: GatewayProcess, provider: ScriptedProvider, body: bytes, **headers: str) -> httpx2.Response:
    """A request as bytes; the answer as bytes."""
    with httpx2.Client(verify=no_tls(), timeout=20) as client:
        return client.post(gateway.url + PATHS[provider.name], content=body, headers={**HEADERS, **headers})


def test_request_goes_on_byte_for_byte(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """A model asked for by its own name: the provider gets the very bytes, odd spacing and unknown fields and all."""
    provider.says(ANSWER)
    body = (ODD + f'"model":"{provider.model}" }}').encode()
    assert post(gateway, provider, body).status_code == 200
    assert provider.upstream.requests[0].body == body


def test_address_is_all_that_changes(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """Asked for as provider/model, only the model's name is another; each other value keeps its bytes."""
    provider.says(ANSWER)
    body = (ODD + f'"model":"{provider.target}" }}').encode()
    assert post(gateway, provider, body).status_code == 200
    sent = provider.upstream.requests[0]
    assert sent.json == {**json.loads(body), "model": provider.model}
    for raw in ('{"a":[1.50,1e2],"é":"\\u2028 \\ud83d\\ude00"}', '"Hi \u2028"'):
        assert raw.encode() in sent.body


def test_answer_comes_byte_for_byte(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """The provider's answer is the client's, unknown fields and odd spacing included."""
    answer = {**provider.wire.whole(ANSWER, provider.model), "x_new": {"a": [None]}}
    body = json.dumps(answer, indent=3, ensure_ascii=False).encode()
    provider.upstream.play(Reply(200, body))
    assert post(gateway, provider, (ODD + f'"model":"{provider.target}"}}').encode()).content == body


def test_stream_comes_byte_for_byte(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """A stream is relayed as it is: unknown events, comments, line ends, spacing."""
    frames = provider.wire.frames(ANSWER, provider.model, **({"with_usage": True} if provider.name == "openai" else {}))
    odd = b': a comment\r\n\r\nid: 7\nretry: 10\nevent: x_new\ndata: {"type": "x_new" , "choices":[]}\n\n'
    pieces = [*frames[:3], odd, *frames[3:]]
    provider.upstream.play(Stream(pieces))
    body = ODD + f'"stream":true,"stream_options":{{"include_usage":true}},"model":"{provider.target}"}}'
    answer = post(gateway, provider, body.encode())
    assert answer.content == b"".join(pieces)
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_torn_stream_comes_whole(gateway: GatewayProcess, provider: ScriptedProvider, size: int) -> None:
    """However the provider's packets cut it, in the middle of a character too."""
    data = b"".join(provider.wire.frames(ANSWER, "m", **({"with_usage": True} if provider.name == "openai" else {})))
    provider.upstream.play(Stream([data[at : at + size] for at in range(0, len(data), size)]))
    body = ODD + f'"stream":true,"stream_options":{{"include_usage":true}},"model":"{provider.target}"}}'
    assert post(gateway, provider, body.encode()).content == data


def test_usage_that_was_not_asked_for_is_not_shown(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """The gateway counts an OpenAI stream's tokens for itself; the client's stream has no such chunk."""
    if provider.name != "openai":
        return
    provider.says(ANSWER)
    answer = post(gateway, provider, (ODD + f'"stream":true,"model":"{provider.target}"}}').encode())
    assert provider.upstream.requests[0].json["stream_options"] == {"include_usage": True}
    chunks = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
    assert [chunk for chunk in chunks if not chunk["choices"] or chunk.get("usage")] == []
    assert answer.content.endswith(b"data: [DONE]\n\n")


def test_headers_are_let_through_by_name(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    """The provider sees the dialect's own headers of the client, and none of the rest; so does the client."""
    limits = {"openai": "x-ratelimit-remaining-requests", "anthropic": "anthropic-ratelimit-requests-remaining"}
    own: dict[str, dict[str, str]] = {
        "openai": {"openai-beta": "assistants=v2"},
        "anthropic": {"anthropic-beta": "new-thing-1"},
    }
    answer: dict[str, Any] = provider.wire.whole(ANSWER, provider.model)
    provider.upstream.play(
        Reply.of(answer, headers={limits[provider.name]: "99", "set-cookie": "a=1", "server": "theirs"})
    )
    body = (ODD + f'"model":"{provider.target}"}}').encode()
    strange = {"cookie": "c=1", "x-forwarded-for": "10.1.2.3", "x-mine": "1", "connection": "x-mine"}
    told = post(gateway, provider, body, **own[provider.name], **strange)
    sent = provider.upstream.requests[0].headers
    assert own[provider.name].items() <= sent.items()
    assert {"cookie", "x-forwarded-for", "x-mine"} & set(sent) == set()
    assert told.headers[limits[provider.name]] == "99"
    assert "set-cookie" not in told.headers
    assert told.headers.get("server") != "theirs"
