"""An exchange to hand to a hook, made of the real classes as the core makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from ..decisions import EMPTY
from ..exchange import Exchange, Head
from ..request import Request
from .plain import PlainDialect, say


class MakeExchange(Protocol):
    """What the fixture ``make_exchange`` is."""

    def __call__(
        self,
        headers: Mapping[str, str] | None = None,
        *,
        model: str = "m",
        text: str = "Hello.",
        fields: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Exchange:
        """See :func:`make_exchange`."""


def make_exchange(
    headers: Mapping[str, str] | None = None,
    *,
    model: str = "m",
    text: str = "Hello.",
    fields: Mapping[str, Any] | None = None,
    **more: Any,
) -> Exchange:
    """A chat request in the plain dialect, just arrived. ``fields`` are more of its body's, ``more`` sets attributes."""
    dialect = PlainDialect()
    body = msgspec.json.encode({**say(text, model), **(fields or {})})
    split = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    asked, stream = dialect.read_head(split, {})
    request = Request(dialect, "chat", split, model=asked, stream=stream, body=body, headers=headers or EMPTY)
    exchange = Exchange(
        id="req_" + "0" * 24,
        head=Head("POST", "/plain/chat", "", headers or EMPTY, "127.0.0.1"),
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
