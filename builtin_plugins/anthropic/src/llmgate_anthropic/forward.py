"""A request of this dialect passed through: only what must change is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from llmgate_core.request import Request
from llmgate_core.wirevalues import WireRequest

from .headers import BETA_HEADER, DEFAULT_VERSION, VERSION_HEADER
from .signatures import has_foreign, inward

_encode: Final = msgspec.json.Encoder().encode


def forward(request: Request, model: str) -> WireRequest:
    """The bytes as they came, but for the model's name and thinking that this API did not sign."""
    given = request.headers
    headers = {VERSION_HEADER: given.get(VERSION_HEADER) or DEFAULT_VERSION}
    if betas := given.get(BETA_HEADER):
        headers[BETA_HEADER] = betas
    body, fields = request.body, request.fields
    same = model == request.model
    if body is not None and not has_foreign(body):
        return WireRequest(body if same else _encode({**fields, "model": model}), headers)
    if (body is None or not same) and ("messages" not in fields or not has_foreign(bytes(fields["messages"]))):
        return WireRequest(_encode({**fields, "model": model}), headers)
    messages = msgspec.Raw(_encode(_verifiable(request.value("messages"))))
    return WireRequest(_encode({**fields, "model": model, "messages": messages}), headers)


def _verifiable(messages: Any) -> Any:
    """The messages without foreign thinking; an assistant turn that was nothing else goes too."""
    if not isinstance(messages, list):
        return messages
    kept = []
    for message in messages:
        content = message.get("content") if isinstance(message, Mapping) else None
        if not isinstance(content, list):
            kept.append(message)
            continue
        blocks = [block for block in content if not _is_foreign(block)]
        if blocks or not content:
            kept.append({**message, "content": blocks})
    return kept


def _is_foreign(block: Any) -> bool:
    if not isinstance(block, Mapping) or block.get("type") != "thinking":
        return False
    signature = block.get("signature")
    return not signature or (isinstance(signature, str) and inward(signature)[0] != signature)
