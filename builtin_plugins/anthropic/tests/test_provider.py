"""The plugin, its provider type and the models it knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.pagination import SyncPage
from anthropic.types import MessageTokensCount
from anthropic.types import ModelInfo as SdkModelInfo

from llmgate_anthropic import AnthropicConfig, AnthropicMessages, AnthropicPlugin, AnthropicProvider
from llmgate_anthropic.models import capabilities
from llmgate_core import Call, HttpProviderConfig, KeyConfig, ModelInfo, Secret
from llmgate_core.errors import NotFound


@pytest.fixture
def provider() -> AnthropicProvider:
    """With one key."""
    return AnthropicProvider("anthropic", HttpProviderConfig(keys=[KeyConfig(Secret("sk-1"))]))


def call(provider: AnthropicProvider, dialect: AnthropicMessages, operation: str, body: bytes = b"{}") -> Any:
    """One attempt, described."""
    headers = {"anthropic-version": "2023-06-01"}
    return provider.describe(Call(operation, dialect, "m", False, body, headers, provider.keys[0]))


def test_the_plugin_registers_both() -> None:
    """With its option handed on."""
    dialects: list[Any] = []
    types: list[Any] = []
    plugin = AnthropicPlugin(AnthropicConfig(repair_tool_results=True))
    plugin.llmgate_register_dialects(dialects.append)
    plugin.llmgate_register_providers(types.append)
    assert [dialect.name for dialect in dialects] == ["anthropic.messages"]
    assert types == [AnthropicProvider]
    assert AnthropicPlugin().config == AnthropicConfig()


def test_a_request_is_described(provider: AnthropicProvider, dialect: AnthropicMessages) -> None:
    """The key travels in its header, never in the URL."""
    described = call(provider, dialect, "chat")
    assert (described.method, described.url) == ("POST", "https://api.anthropic.com/v1/messages")
    assert described.headers["x-api-key"] == "sk-1"
    assert described.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in described.headers


def test_tokens_are_counted_below_the_messages(provider: AnthropicProvider, dialect: AnthropicMessages) -> None:
    """The body goes as it came."""
    body = b'{ "model":"m" }'
    described = call(provider, dialect, "count_tokens", body)
    assert described.url == "https://api.anthropic.com/v1/messages/count_tokens"
    assert described.body is body


def test_another_operation_is_not_there(provider: AnthropicProvider, dialect: AnthropicMessages) -> None:
    """A 404, not a guess."""
    with pytest.raises(NotFound):
        call(provider, dialect, "embeddings")


def test_bare_names_belong_to_the_vendor_s_own_host() -> None:
    """A compatible server has the models that its table names."""
    assert AnthropicProvider("a", HttpProviderConfig()).serves("claude-brand-new-9")
    other = AnthropicProvider("b", HttpProviderConfig(base_url="http://127.0.0.1:1", models=["kimi"]))
    assert (other.serves("kimi"), other.serves("claude-opus-5")) == (True, False)
    assert other.base_url == "http://127.0.0.1:1"


def test_lists_of_models_are_the_sdk_s(dialect: AnthropicMessages) -> None:
    """One page; each entry is the SDK's ModelInfo."""
    page = json.loads(dialect.write_models([ModelInfo("openai/gpt-4o", "openai", 5), ModelInfo("fast", "llmgate")]))
    parsed = SyncPage[SdkModelInfo].model_validate(page)
    assert [model.id for model in parsed.data] == ["openai/gpt-4o", "fast"]
    assert page["has_more"] is False
    assert (page["first_id"], page["last_id"]) == ("openai/gpt-4o", "fast")
    assert page["data"][0]["created_at"] == "1970-01-01T00:00:05Z"
    assert json.loads(dialect.write_models([]))["data"] == []
    assert SdkModelInfo.model_validate(json.loads(dialect.write_model(ModelInfo("x", "y")))).id == "x"


def test_wt_114_a_token_count_is_the_sdk_s(dialect: AnthropicMessages) -> None:
    """It holds the number and nothing else."""
    assert MessageTokensCount.model_validate(json.loads(dialect.write_token_count(5))).input_tokens == 5


@pytest.mark.parametrize(
    ("model", "thinking", "prefill", "structured", "mid_system", "sampling"),
    [
        ("claude-3-haiku-20240307", "none", True, False, False, True),
        ("claude-3-7-sonnet-latest", "budget", True, False, False, True),
        ("claude-4-opus-20250514", "budget", True, False, False, True),
        ("claude-opus-4@20250514", "budget", True, False, False, True),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "budget", True, True, False, True),
        ("claude-sonnet-4.6", "adaptive", False, True, False, True),
        ("claude-opus-4-7", "adaptive", False, True, False, False),
        ("claude-opus-4-8-20260528", "adaptive", False, True, True, False),
        ("claude-mythos-preview", "adaptive", False, True, True, False),
        ("claude-next", "adaptive", False, True, True, False),
        ("kimi-k2", "budget", True, False, False, True),
    ],
)
def test_generations_are_told_by_name(  # noqa: PLR0917  # one argument for each column of the table
    model: str, thinking: str, prefill: bool, structured: bool, mid_system: bool, sampling: bool
) -> None:
    """Aliases, dates and platforms' prefixes do not matter; what is newer than the table is like the newest."""
    able = capabilities(model)
    assert (able.thinking, able.prefill, able.structured) == (thinking, prefill, structured)
    assert (able.mid_system, able.sampling) == (mid_system, sampling)


def test_all_known_models_have_a_generation(provider: AnthropicProvider) -> None:
    """None falls through to the plain set."""
    assert all(capabilities(model).structured for model in provider.known_models)
