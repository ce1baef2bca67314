"""The canonical form as plain data and back: for caches, logs and whoever writes it down (cattrs).

    converter = canonical_converter()
    data = converter.unstructure(response)                  # dicts, lists, strings, numbers: JSON can hold it
    converter.structure(data, ChatResponse) == response

What has its default is left out. A block says in ``block``, an event in ``event``, what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import cattrs
from cattrs.gen import make_dict_unstructure_fn

from .decisions import EMPTY
from .errors import GatewayError
from .events import Event, Failure
from .messages import Block
from .upstream_errors import UpstreamRejected


def canonical_converter() -> cattrs.Converter:
    """A converter for :mod:`messages`, :mod:`events` and :class:`Usage`. Raises cattrs' errors for data of another shape."""
    converter = cattrs.Converter(
        omit_if_default=True, forbid_extra_keys=True, unstruct_collection_overrides={tuple: list}
    )
    converter.register_structure_hook_func(_is_mapping, lambda value, _: dict(value) if value else EMPTY)
    converter.register_unstructure_hook_func(_is_mapping, dict)
    converter.register_structure_hook(Failure, lambda data, _: Failure(_error_of(data)))
    _tag(converter, "block", get_args(Block), Block)
    _tag(converter, "event", get_args(Event), Event)
    return converter


def _tag(converter: cattrs.Converter, tag: str, classes: Sequence[type], union: Any) -> None:
    """Let each of ``classes`` write its name under ``tag``, and the union be read by it.

    Not cattrs' own strategy for tagged unions: blocks may hold blocks, and it looks at a class before the union is known.
    """
    by_name = {cls.__name__: cls for cls in classes}
    written: dict[type, Any] = {Failure: _failure_told}

    def unstructure(value: Any) -> dict[str, Any]:
        cls = type(value)
        if cls not in written:
            written[cls] = make_dict_unstructure_fn(cls, converter, _cattrs_omit_if_default=True)
        return {tag: cls.__name__, **written[cls](value)}

    def structure(data: Any, _: Any) -> Any:
        cls = by_name.get(str(data.get(tag))) if isinstance(data, dict) else None
        if cls is None:
            raise ValueError(f"{tag} must be one of {', '.join(by_name)}")
        return converter.structure({name: value for name, value in data.items() if name != tag}, cls)

    for cls in classes:
        converter.register_unstructure_hook(cls, unstructure)
    converter.register_structure_hook(union, structure)


def _is_mapping(cls: Any) -> bool:
    return getattr(cls, "__origin__", None) is Mapping


def _failure_told(failure: Failure) -> dict[str, Any]:
    error = failure.error
    told = {
        "status": error.status,
        "kind": error.kind,
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "retry_after": error.retry_after,
        "upstream_status": getattr(error, "upstream_status", None),
    }
    return {name: value for name, value in told.items() if value is not None}


def _error_of(data: Mapping[str, Any]) -> GatewayError:
    """The error again; of which class it was is not kept, only what a client is told."""
    given = {name: value for name, value in data.items() if name not in {"message", "upstream_status"}}
    upstream_status = data.get("upstream_status")
    if upstream_status is not None:
        return UpstreamRejected(data["message"], upstream_status=upstream_status, **given)
    return GatewayError(data["message"], **given)
