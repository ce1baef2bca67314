"""Gives every request an id and puts it on the answer."""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import define, field

from llmgate_core import Exchange, Plugin

CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""What a client's id may look like: nothing that could break a log line, a header or a shell."""
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
_USUAL: Final = "x-request-id"


def _header_name(_: Any, attribute: Any, value: str) -> None:
    if not _HEADER.fullmatch(value):
        raise ValueError(
            f"{attribute.name}: {value!r} is no header name; use letters, digits and dashes, as in 'x-request-id'"
        )


def _prefix_text(_: Any, attribute: Any, value: str) -> None:
    if not _PREFIX.fullmatch(value):
        raise ValueError(f"{attribute.name}: {value!r} is not at most 64 of the characters A-Z a-z 0-9 _ . : -")


@define
class RequestIdConfig:
    """``[plugins.request_id]``.

    ``header`` is where the client's id is looked for, ``trust_client`` whether it is taken over, ``prefix`` what the
    gateway's own ids begin with (the name of a region, say).
    """

    header: str = field(default=_USUAL, validator=_header_name)
    trust_client: bool = True
    prefix: str = field(default="", validator=_prefix_text)


class RequestIdPlugin(Plugin):
    """Takes over the client's id when it is harmless, and keeps the gateway's own otherwise.

    The core made an id before any plugin ran and writes ``x-request-id`` on every answer; another ``header`` is written
    here.
    """

    config_class = RequestIdConfig

    def __init__(self, config: RequestIdConfig) -> None:
        super().__init__(config)
        self._header = config.header.lower()
        self._prefix = config.prefix
        self._trust = config.trust_client
        # nothing to do for a request that brings no id
        self._own_stays = not self._prefix and self._header == _USUAL

    def llmgate_pre_request(self, exchange: Exchange) -> None:
        """Settle ``exchange.id``."""
        if self._own_stays and self._header not in exchange.head.headers:
            return
        asked = exchange.head.headers.get(self._header) if self._trust else None
        if asked is not None and CLIENT_ID.fullmatch(asked):
            exchange.id = asked
        elif self._prefix:
            exchange.id = self._prefix + exchange.id
        if self._header != _USUAL:
            exchange.response_headers[self._header] = exchange.id
