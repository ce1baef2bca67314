"""Provider type ``openai``: the vendor itself, and every server that speaks its chat API."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from attrs import define

from llmgate_core.decisions import Key
from llmgate_core.provider import Call, HttpProvider, HttpProviderConfig, UpstreamRequest

from .words import NAME


@define
class OpenAIConfig(HttpProviderConfig):
    """``[providers.<name>]``. ``organization`` and ``project`` go with the key, as headers.

    ``stream_usage = false`` is for a server that refuses ``stream_options``: it is then never sent, and tokens of streams are
    counted only if the server tells them by itself.
    """

    organization: str | None = None
    project: str | None = None
    stream_usage: bool = True


class OpenAIProvider(HttpProvider):
    """Keys are optional: many a compatible server wants none."""

    type = "openai"
    config_class = OpenAIConfig
    dialects = (NAME,)
    default_base_url = "https://api.openai.com/v1"
    usual_env = "OPENAI_API_KEY"
    known_models = (
        "gpt-6.2-sol",
        "gpt-6.1-terra",
        "gpt-6-luna",
        "gpt-5.5",
        "gpt-5.4",
        "gpt-5.4-mini",
        "gpt-5.2",
        "gpt-5-mini",
        "gpt-4.1",
        "gpt-4.1-mini",
        "gpt-4o",
        "gpt-4o-mini",
        "o3",
        "o4-mini",
    )
    model_patterns = ("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*")

    def __init__(self, name: str, config: OpenAIConfig) -> None:
        super().__init__(name, config)
        if not config.stream_usage:
            self.describe = self._describe_uncounted  # type: ignore[method-assign]  # no detour for all other servers

    def authorise(self, key: Key) -> Mapping[str, str]:
        """``authorization: Bearer``, with the organisation and project it is used for."""
        config: OpenAIConfig = self.config
        headers = {"authorization": f"Bearer {key.secret.reveal()}"}
        if config.organization is not None:
            headers["openai-organization"] = config.organization
        if config.project is not None:
            headers["openai-project"] = config.project
        return headers

    def _describe_uncounted(self, call: Call) -> UpstreamRequest:
        """The HTTP request to a server that does not know ``stream_options``."""
        if call.stream:
            fields = msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])
            if fields.pop("stream_options", None) is not None:
                call = msgspec.structs.replace(call, body=msgspec.json.encode(fields))
        return super().describe(call)
