"""The error that a ``fail-…`` model raises: what a real provider's answer of that status would become."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from llmgate_core import ProviderError
from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import UpstreamConnectError, UpstreamTimeout

from .script import Script

_KINDS: Final[Mapping[int, ErrorKind]] = MappingProxyType(
    {404: "not_found", 408: "timeout", 409: "conflict", 413: "too_large", 429: "rate_limit"}
)
_CODES: Final[Mapping[int, str]] = MappingProxyType({404: "model_not_found", 429: "rate_limit_exceeded"})
_SAYS_WHEN: Final = frozenset({429, 503, 529})


def failure(script: Script, provider: str) -> GatewayError:
    """``fail-connect`` and ``fail-timeout`` never got an answer; ``fail-context`` is the usual 400; else a status."""
    if script.fail == "connect":
        return UpstreamConnectError(f"provider {provider!r} could not be reached, as its model is meant to fail")
    if script.fail == "timeout":
        return UpstreamTimeout(f"provider {provider!r} gave no first byte in time, as its model is meant to fail")
    if script.fail == "context":
        error = ProviderError(
            "the prompt is too long for this model", "invalid_request", "context_length_exceeded", "messages"
        )
        return reject(400, error, provider=provider)
    status = int(script.fail or 500)
    error = ProviderError(
        f"the echo provider fails with {status}, as it was asked to", _KINDS.get(status), _CODES.get(status)
    )
    return reject(status, error, provider=provider, retry_after=script.retry_after if status in _SAYS_WHEN else None)
