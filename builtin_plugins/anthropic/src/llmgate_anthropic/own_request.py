"""The canonical form of a request that came in this dialect."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from llmgate_core.decisions import EMPTY
from llmgate_core.messages import ChatRequest, Extra

from .headers import BETA_HEADER, VERSION_HEADER


@frozen
class MessagesRequest(ChatRequest):
    """A request of this dialect. ``client_headers`` are its own headers (version, beta flags): should a plugin change the
    request on the way, it is written anew, and still for the version and with the flags that the client asked for.
    """

    client_headers: Extra = field(default=EMPTY, eq=False)


def own_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Of a client's headers those that are this dialect's."""
    own: dict[str, str] = {}
    if VERSION_HEADER in headers:
        own[VERSION_HEADER] = headers[VERSION_HEADER]
    if BETA_HEADER in headers:
        own[BETA_HEADER] = headers[BETA_HEADER]
    return own
