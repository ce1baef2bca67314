"""Exchanges made of the real classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from llmgate_core import Exchange, Head, Request
from llmgate_core.testing.plain import PlainDialect, say


@pytest.fixture
def make_exchange() -> Callable[..., Exchange]:
    """Makes an exchange as the core does; ``fields`` are more of the body's, ``more`` overrides attributes."""

    def make(
        headers: Mapping[str, str] | None = None,
        *,
        model: str = "m",
        text: str = "Hello.",
        fields: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Exchange:
        dialect = PlainDialect()
        body = msgspec.json.encode({**say(text, model), **(fields or {})})
        split = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        asked, stream = dialect.read_head(split, {})
        request = Request(dialect, "chat", split, model=asked, stream=stream, body=body, headers=headers or {})
        exchange = Exchange(
            id="req_" + "0" * 24,
            head=Head("POST", "/plain/chat", "", headers or {}, "127.0.0.1"),
            dialect=dialect,
            operation="chat",
            request=request,
            received_at=100.0,
            started=1_700_000_000.0,
            deadline=700.0,
        )
        for name, value in more.items():
            setattr(exchange, name, value)
        return exchange

    return make
