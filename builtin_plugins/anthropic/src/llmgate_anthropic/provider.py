"""The provider type ``anthropic``: the vendor's own API, or any server that speaks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from llmgate_core.decisions import Key
from llmgate_core.jsonfields import split_fields
from llmgate_core.provider import Call, HttpProvider, UpstreamRequest

from .checks import NAME

_NOT_COUNTED = ("max_tokens", "stream", "stop_sequences", "metadata", "service_tier", "temperature", "top_p", "top_k")


class AnthropicProvider(HttpProvider):
    """The key goes into ``x-api-key``. Counting tokens takes fewer fields than asking for an answer."""

    type: ClassVar[str] = "anthropic"
    dialects: ClassVar[tuple[str, ...]] = (NAME,)
    default_base_url: ClassVar[str | None] = "https://api.anthropic.com"
    usual_env: ClassVar[str | None] = "ANTHROPIC_API_KEY"
    model_patterns: ClassVar[tuple[str, ...]] = ("claude-*",)
    known_models: ClassVar[tuple[str, ...]] = (
        "claude-fable-5-2",
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-opus-5",
        "claude-sonnet-5",
        "claude-opus-4-8",
        "claude-opus-4-6",
        "claude-sonnet-4-6",
        "claude-opus-4-5",
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
    )

    def authorise(self, key: Key) -> Mapping[str, str]:
        """``x-api-key``"""
        return {"x-api-key": key.secret.reveal()}

    def describe(self, call: Call) -> UpstreamRequest:
        """See :class:`HttpProvider`; fields that a token count does not take are left out."""
        described = super().describe(call)
        if call.operation != "count_tokens":
            return described
        fields = split_fields(call.body)
        if not fields.keys() & set(_NOT_COUNTED):
            return described
        body = msgspec.json.encode({name: raw for name, raw in fields.items() if name not in _NOT_COUNTED})
        return UpstreamRequest(described.method, described.url, described.headers, body)
