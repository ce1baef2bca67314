"""A client's request as the server would hand it to the pipeline, made from its body alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Dialect
from llmgate_core.jsonfields import split_fields
from llmgate_core.request import Request


def client_request(
    dialect: Dialect,
    body: Any,
    *,
    operation: str = "chat",
    params: Mapping[str, str] = EMPTY,
    headers: Mapping[str, str] = EMPTY,
) -> Request:
    """``body`` (bytes, or a value that becomes compact JSON) as a request of ``dialect``. Raises InvalidRequest."""
    data = as_bytes(body)
    fields = split_fields(data)
    model, stream = dialect.read_head(fields, params)
    return Request(dialect, operation, fields, model=model, stream=stream, body=data, params=params, headers=headers)


def as_bytes(body: Any) -> bytes:
    """Bytes as they are; anything else as compact JSON, as official SDKs write it."""
    if isinstance(body, bytes):
        return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
