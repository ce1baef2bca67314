"""The output limit of a request that came in this dialect."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from llmgate_core.messages import Sampling


@frozen
class NamedLimit(Sampling):
    """A sampling that remembers that its ``max_tokens`` came as ``max_completion_tokens``, to be sent on under that name."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_completion_tokens"
