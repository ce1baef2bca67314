"""Requests passed through, and the provider that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from openai.types import Model

from llmgate_core.decisions import Key
from llmgate_core.dialect import Dialect
from llmgate_core.provider import Call, Provider
from llmgate_core.secrets import Secret
from llmgate_core.wirevalues import ModelInfo
from llmgate_openai import ChatDialect, OpenAIConfig, OpenAIPlugin, OpenAIProvider

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

KEY = Key(Secret("sk-1"), "one")


def call(body: bytes = b"{}", *, stream: bool = False, key: Key | None = KEY) -> Call:
    """A chat on its way."""
    return Call("chat", ChatDialect(), "m", stream, body, {"openai-beta": "x"}, key)


def test_wt_290_bytes_are_kept(wire: Wire) -> None:
    """The same model, no stream: not a byte differs."""
    request = wire.request(vendor={"a": [1.50]})
    assert wire.dialect.forward(request, "gpt-4o").body == request.body


def test_wt_290_model_is_exchanged_and_nothing_else(wire: Wire) -> None:
    """All other fields keep their bytes and their order."""
    request = wire.request(temperature=0.10, vendor=None)
    forwarded = wire.dialect.forward(request, "other").body
    assert request.body is not None
    assert forwarded == request.body.replace(b'"gpt-4o"', b'"other"')


@pytest.mark.parametrize("options", [None, {"include_usage": False}, {"include_obfuscation": False}])
def test_usage_of_a_stream_is_asked_for(wire: Wire, options: Any) -> None:
    """The gateway counts even for clients that do not; their other options stay."""
    fields = {} if options is None else {"stream_options": options}
    request = wire.request(stream=True, vendor=1, **fields)
    body = msgspec.json.decode(wire.dialect.forward(request, "gpt-4o").body)
    assert body.pop("stream_options") == {**(options or {}), "include_usage": True}
    assert body == {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True, "vendor": 1}


def test_stream_that_asks_for_usage_is_untouched(wire: Wire) -> None:
    """So is one whose options are for the provider to refuse."""
    for options in ({"include_usage": True}, "odd"):
        request = wire.request(stream=True, stream_options=options)
        assert wire.dialect.forward(request, "gpt-4o").body == request.body


def test_provider_describes_the_request() -> None:
    """URL, key and the vendor's headers; headers of the config come last."""
    config = OpenAIConfig(organization="org", project="proj", headers={"x-extra": "1"})
    provider = OpenAIProvider("openai", config)
    request = provider.describe(call())
    assert request.url == "https://api.openai.com/v1/chat/completions"
    assert dict(request.headers) == {
        "content-type": "application/json",
        "openai-beta": "x",
        "x-extra": "1",
        "authorization": "Bearer sk-1",
        "openai-organization": "org",
        "openai-project": "proj",
    }


def test_compatible_server_without_a_key() -> None:
    """Nothing is sent that nobody configured."""
    provider = OpenAIProvider("lab", OpenAIConfig(base_url="http://127.0.0.1:8000/v1/"))
    request = provider.describe(call(key=None))
    assert request.url == "http://127.0.0.1:8000/v1/chat/completions"
    assert "authorization" not in request.headers


def test_server_that_refuses_stream_options() -> None:
    """With stream_usage = false they are left out of streams; nothing else changes."""
    body = b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"x": 1.0}'
    strict = OpenAIProvider("lab", OpenAIConfig(base_url="http://127.0.0.1:8000/v1", stream_usage=False))
    usual = OpenAIProvider("lab", OpenAIConfig(base_url="http://127.0.0.1:8000/v1"))
    assert msgspec.json.decode(strict.describe(call(body, stream=True)).body) == {
        "model": "m",
        "stream": True,
        "x": 1.0,
    }
    assert usual.describe(call(body, stream=True)).body == body
    assert strict.describe(call(b'{"model": "m"}', stream=True)).body == b'{"model": "m"}'


def test_models_that_belong_to_it() -> None:
    """The vendor's names at the vendor's host; at a compatible server only those that were configured."""
    vendor = OpenAIProvider("openai", OpenAIConfig())
    assert all(vendor.serves(model) for model in ("gpt-4o", "gpt-9-new", "o3-mini", "o4-mini", "chatgpt-4o-latest"))
    assert not vendor.serves("llama-3")
    lab = OpenAIProvider("lab", OpenAIConfig(base_url="http://127.0.0.1:8000/v1", models=["llama-3"]))
    assert lab.serves("llama-3")
    assert not lab.serves("gpt-4o")
    assert lab.models == ("llama-3",)


def test_lists_of_models(wire: Wire) -> None:
    """A list and a single model, as the SDK's type has them."""
    models = [ModelInfo("fast", "llmgate"), ModelInfo("lab/llama", "lab", 7)]
    listed = msgspec.json.decode(wire.dialect.write_models(models))
    assert listed["object"] == "list"
    assert [Model.model_validate(model, strict=True).id for model in listed["data"]] == ["fast", "lab/llama"]
    one = Model.model_validate(msgspec.json.decode(wire.dialect.write_model(models[1])), strict=True)
    assert (one.id, one.created, one.object, one.owned_by) == ("lab/llama", 7, "model", "lab")


def test_plugin_registers_both() -> None:
    """One dialect and one provider type, by their names."""
    dialects: list[Dialect] = []
    types: list[type[Provider]] = []
    plugin = OpenAIPlugin()
    plugin.llmgate_register_dialects(dialects.append)
    plugin.llmgate_register_providers(types.append)
    assert [dialect.name for dialect in dialects] == ["openai.chat"]
    assert [provider.type for provider in types] == ["openai"]
    assert {route.path for route in dialects[0].routes} == {
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{model:path}",
    }
