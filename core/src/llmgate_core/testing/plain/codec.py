"""Canonical values as JSON and back: each block and each event says in ``type`` which class it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cattrs import Converter
from cattrs.gen import make_dict_structure_fn
from cattrs.strategies import configure_tagged_union

from llmgate_core.errors import GatewayError
from llmgate_core.events import End, Event, Failure
from llmgate_core.messages import Block, ChatRequest, Message, ToolResult
from llmgate_core.upstream_errors import UpstreamRejected


class Codec:
    """A converter that coerces nothing. Raises ValueError for what is not the value it should be."""

    def __init__(self) -> None:
        self._converter = Converter(omit_if_default=True, forbid_extra_keys=True)
        for kind in (str, int, float, bool):
            self._converter.register_structure_hook(kind, _exactly)
        self._converter.register_structure_hook_func(_is_mapping, _mapping)
        self._converter.register_unstructure_hook_func(_is_mapping, dict)
        self._converter.register_structure_hook(GatewayError, _read_error)
        self._converter.register_unstructure_hook(GatewayError, write_error)
        configure_tagged_union(Block, self._converter, tag_name="type")
        configure_tagged_union(Event, self._converter, tag_name="type")
        for cls in (Message, ToolResult, ChatRequest):
            self._converter.register_structure_hook(cls, make_dict_structure_fn(cls, self._converter))

    def write(self, value: Any, kind: Any = None) -> Any:
        """A canonical value as plain data."""
        return self._converter.unstructure(value, kind)

    def read(self, data: Any, kind: Any) -> Any:
        """Plain data as a canonical value."""
        try:
            return self._converter.structure(data, kind)
        except Exception as error:
            raise ValueError(f"not a {getattr(kind, '__name__', kind)}: {error!r}") from error


def dumps(data: Any) -> bytes:
    """Compact JSON, the same each time."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=dict).encode()


def loads(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises ValueError for anything else."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def write_error(error: GatewayError) -> dict[str, Any]:
    """An error as it stands on the wire."""
    return {"message": error.message, "kind": error.kind, "code": error.code, "status": error.status}


def is_last(event: Event) -> bool:
    """Whether nothing may follow."""
    return isinstance(event, (End, Failure))


def _read_error(data: Any, _: Any) -> GatewayError:
    if not (isinstance(data, dict) and isinstance(data.get("message"), str) and isinstance(data.get("status"), int)):
        raise ValueError("not an error")
    status: int = data["status"]
    return UpstreamRejected(
        data["message"], upstream_status=status, status=status, kind=data.get("kind", "upstream"), code=data.get("code")
    )


def _exactly(value: Any, kind: type[Any]) -> Any:
    wanted = (int, float) if kind is float else kind
    if isinstance(value, wanted) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{value!r} is not a {kind.__name__}")


def _is_mapping(kind: Any) -> bool:
    return bool(kind == Mapping[str, Any])


def _mapping(value: Any, _: Any) -> Any:
    if isinstance(value, dict):
        return value
    raise ValueError(f"{value!r} is not an object")
