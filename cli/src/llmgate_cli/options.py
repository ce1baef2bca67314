"""The options of a config class, as they can be shown: names, types, defaults, and what its docstring says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import attrs

from . import tomltext
from .masking import masked

_MODULES: Final = re.compile(r"\b(?:\w+\.)+(?=\w)")


def describe(cls: type[Any]) -> list[dict[str, Any]]:
    """``cls`` and the classes its options are made of: ``{"name", "doc", "options": [{"name", "type", "default"}]}`` each.

    ``default`` is TOML text; None when the option has to be given.
    """
    classes = list(dict.fromkeys(_classes(cls)))
    return [
        {
            "name": one.__name__,
            "doc": inspect.getdoc(one) or "",
            "options": [
                {"name": field.name, "type": told_type(field.type), "default": _default(field)}
                for field in attrs.fields(attrs.resolve_types(one))
            ],
        }
        for one in classes
    ]


def told_type(kind: Any) -> str:
    """An annotation without the modules its names come from: ``list[KeyConfig]``."""
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else _MODULES.sub("", str(kind))


def _classes(kind: Any) -> Iterator[type[Any]]:
    if isinstance(kind, type) and attrs.has(kind):
        yield kind
        for field in attrs.fields(attrs.resolve_types(kind)):
            yield from _classes(field.type)
    for inner in get_args(kind):
        yield from _classes(inner)


def _default(field: Any) -> str | None:
    if field.default is attrs.NOTHING:
        return None
    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, though its stub says function
        default = None if default.takes_self else default.factory()
    return "none" if default is None else tomltext.value(masked(default, field.name))
