"""What is asked: each workload is one request, repeated on so many connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from attrs import frozen

Kind = Literal["plain", "tls", "streams"]
"""Which face of the mock upstream answers: HTTP, HTTPS, or event streams."""


@frozen
class Workload:
    """``target`` and ``stretch`` are the project's aims, as a ratio of CPU time to HAProxy's in the same run."""

    name: str
    says: str
    target: float
    stretch: float
    kind: Kind = "plain"
    connections: int = 32
    prompt: int = 300
    """Bytes."""
    client: Literal["openai", "anthropic"] = "openai"

    @property
    def path(self) -> str:
        """Where the client's dialect is served."""
        return "/v1/messages" if self.client == "anthropic" else "/v1/chat/completions"

    @property
    def headers(self) -> Mapping[str, str]:
        """What the client's dialect wants, without the key."""
        version = {"anthropic-version": "2023-06-01"} if self.client == "anthropic" else {}
        return {"content-type": "application/json", **version}

    def body(self, model: str) -> bytes:
        """The request's JSON; a stream asks for its usage, so that nobody has to change the body."""
        words = "Say it again, and say it well. "
        prompt = (words * (self.prompt // len(words) + 1))[: self.prompt]
        asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}]}
        if self.client == "anthropic":
            asked["max_tokens"] = 512
        if self.kind == "streams":
            asked |= {"stream": True, "stream_options": {"include_usage": True}}
        return json.dumps(asked).encode()

    def looks_right(self, answer: str) -> bool:
        """Whether the end of what was asked for is there."""
        return "[DONE]" in answer if self.kind == "streams" else "sixty words" in answer


UNARY: Final = Workload("unary-300B", "a prompt of 300 bytes, an answer of 700", 3.0, 2.2)
WORKLOADS: Final = (
    UNARY,
    Workload("unary-100KB", "a prompt of 100 KB", 2.2, 1.6, prompt=100_000),
    Workload("stream-51x2ms", "a stream of 51 frames, 2 ms apart", 2.2, 1.6, kind="streams", connections=256),
    Workload("unary-tls", "300 bytes, over TLS to the upstream", 3.0, 2.2, kind="tls"),
    Workload("translated", "300 bytes, Anthropic client to OpenAI upstream", 8.0, 5.0, client="anthropic"),
)
