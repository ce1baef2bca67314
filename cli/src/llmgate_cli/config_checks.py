"""Whether a config class is one that a TOML section can fill."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

from .options import told_type

PLAIN: Final = (str, int, float, bool, Path, Any, types.NoneType)


def check_config_class(cls: Any, path: str) -> Iterator[str]:
    """Findings: no attrs class, an option without a default, a type that TOML cannot give."""
    from llmgate_core.strict import MistakesFound, structure

    if not (isinstance(cls, type) and attrs.has(cls)):
        yield f"config_class: {cls!r} is no attrs class; write @define above it"
        return
    before = list(_odd_options(cls, path, needed=True))
    yield from before
    if not before:
        try:
            structure({}, cls, path)
        except MistakesFound as found:
            yield from (f"without any config: {mistake}" for mistake in found.mistakes)


def _odd_options(cls: type[Any], path: str, *, needed: bool) -> Iterator[str]:
    """``needed``: every option must have a default, for a plugin runs without a section of its own."""
    try:
        fields = attrs.fields(attrs.resolve_types(cls))
    except NameError as error:
        yield f"{path}: a type cannot be read: {error}; import it outside of TYPE_CHECKING"
        return
    for field in fields:
        where = f"{path}.{field.name}"
        if needed and field.default is attrs.NOTHING:
            yield f"{where}: has no default, so that nobody can install the plugin without a config"
        if field.type is None:
            yield f"{where}: has no type"
        else:
            yield from _odd_type(field.type, where)


def _odd_type(kind: Any, where: str) -> Iterator[str]:
    from llmgate_core import KeyConfig, Secret

    origin = get_origin(kind)
    if kind in (*PLAIN, Secret, KeyConfig) or origin is Literal:
        return
    if isinstance(kind, type) and attrs.has(kind):
        yield from _odd_options(kind, where, needed=False)
    elif origin in (list, Union, types.UnionType):
        for inner in get_args(kind):
            yield from _odd_type(inner, where)
    elif origin is dict and get_args(kind)[0] is str:
        yield from _odd_type(get_args(kind)[1], where)
    else:
        yield f"{where}: is a {told_type(kind)}, which no TOML value becomes; use a list, a dict by str, or a plain type"
