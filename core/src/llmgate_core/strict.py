"""TOML values → attrs classes, strictly, collecting every mistake instead of stopping at the first.

cattrs structures; the hooks here make it strict (no coercion: ``"8080"`` is not a port) and teach it the shapes of a
configuration: secrets, keys, unions chosen by the TOML shape. The tree of errors cattrs gives is flattened to mistakes.
"""

from __future__ import annotations

import difflib
import os
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from attrs import frozen
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from .provider import KeyConfig
from .secrets import Secret

T = TypeVar("T")
_TOLD: Final[Mapping[type, str]] = types.MappingProxyType(
    {str: "a string", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a table"}
)
_SECRET_SOURCES: Final = ("value", "env", "file")


@frozen
class Mistake:
    """One thing wrong in a configuration: where (``gateway.port``), what, and what to do."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class MistakesFound(Exception):
    """Everything wrong with one section. ``about`` is the class it configures, where that is known."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes
        self.about: Any = None


def structure(value: Any, cls: type[T], path: str, environ: Mapping[str, str] | None = None) -> T:
    """``value`` (from TOML) as an instance of ``cls``. Raises :class:`MistakesFound` with every mistake below ``path``."""
    try:
        if value == {} and _all_by_default(cls):
            return cls()  # most sections of most plugins, at every start: a converter is slow to build
        return make_converter(os.environ if environ is None else environ).structure(value, cls)
    except Exception as error:  # noqa: BLE001  # cattrs wraps whatever a hook or validator raises
        raise MistakesFound(_flatten(error, path, cls)) from None


def _all_by_default(cls: Any) -> bool:
    """Whether an attrs class needs no value. Raises NameError for an annotation that cannot be read, as cattrs does."""
    if not attrs.has(cls):
        return False
    classes = [cls]
    for one in classes:
        kinds = [attribute.type for attribute in attrs.fields(attrs.resolve_types(one))]
        classes += [kind for kind in kinds if isinstance(kind, type) and attrs.has(kind) and kind not in classes]
    return all(attribute.default is not attrs.NOTHING for attribute in attrs.fields(cls))


def make_converter(environ: Mapping[str, str]) -> cattrs.Converter:
    """A strict converter that reads ``{ env = … }`` from ``environ``."""
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (str, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(int, _whole_number)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Path, lambda value, _: Path(_exactly(str)(value, str)))
    converter.register_structure_hook(Secret, lambda value, _: read_secret(value, environ))
    converter.register_structure_hook_factory(attrs.has, lambda cls: _class_hook(cls, converter))
    converter.register_structure_hook(KeyConfig, lambda value, _: _read_key(value, converter, environ))
    converter.register_structure_hook_func(_is_literal, _one_of)
    converter.register_structure_hook_func(_is_union, lambda value, union: _by_shape(value, union, converter))
    converter.register_structure_hook_func(_is_list, lambda value, cls: _items(value, cls, converter))
    return converter


def read_secret(value: Any, environ: Mapping[str, str]) -> Secret:
    """A string, ``{ value = … }``, ``{ env = … }`` or ``{ file = … }`` → Secret. A trailing line end is no part of it."""
    if isinstance(value, str):
        return _non_empty(value, "config")
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _SECRET_SOURCES:
        raise ValueError('must be a string, { env = "NAME" } or { file = "path" }')
    ((source, where),) = value.items()
    if not isinstance(where, str):
        raise ValueError(f"{source} must be a string")
    if source == "value":
        return _non_empty(where, "config")
    if source == "env":
        if where not in environ:
            raise ValueError(f"the environment variable {where} is not set; set it, or remove this entry")
        return _non_empty(environ[where], f"env {where}")
    try:
        return _non_empty(Path(where).expanduser().read_text("utf-8"), f"file {where}")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {where!r} cannot be read: {type(error).__name__}") from None


def _non_empty(text: str, source: str) -> Secret:
    text = text.rstrip("\r\n")
    if not text.strip():
        raise ValueError(f"the secret from {source} is empty")
    if any(ord(char) < 0x21 or ord(char) > 0x7E for char in text):
        raise ValueError(f"the secret from {source} has characters that no HTTP header may carry (spaces, line ends …)")
    return Secret(text, source)


def _read_key(value: Any, converter: cattrs.Converter, environ: Mapping[str, str]) -> KeyConfig:
    if isinstance(value, str):
        return KeyConfig(_non_empty(value, "config"))
    if not isinstance(value, dict):
        raise ValueError('must be a string, or a table with one of "value", "env" or "file"')
    source = {name: value[name] for name in _SECRET_SOURCES if name in value}
    if len(source) != 1:
        raise ValueError('needs exactly one of "value", "env" or "file"')
    options = {name: option for name, option in value.items() if name not in source}
    key: KeyConfig = _fields_hook(KeyConfig, converter)({**options, "secret": source}, KeyConfig)
    return key


def _class_hook(cls: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    inner = _fields_hook(cls, converter)

    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"must be a table, not {_shape(value)}")
        return inner(value, kind)

    return hook


def _fields_hook(cls: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Structures a table field by field. A field's validator runs with the field: so it knows its place, and hides no other."""
    attrs.resolve_types(cls)
    checked: dict[str, Any] = {
        attribute.name: override(struct_hook=_checked(cls, attribute, converter))
        for attribute in attrs.fields(cls)
        if attribute.validator is not None
    }
    hook: Callable[[Any, Any], Any] = make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **checked)
    return hook


def _checked(cls: Any, attribute: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    def hook(value: Any, kind: Any) -> Any:
        found = converter.structure(value, kind)
        try:
            attribute.validator(object.__new__(cls), attribute, found)
        except AttributeError:
            return found  # it looks at other fields: attrs runs it again when they are all there
        return found

    return hook


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"must be {_TOLD[kind]}, not {_shape(value)}")
        return value

    return hook


def _whole_number(value: Any, _: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"must be a whole number, not {_shape(value)}")
    return value


def _number(value: Any, _: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"must be a number, not {_shape(value)}")
    return float(value)


def _one_of(value: Any, cls: Any) -> Any:
    choices = get_args(cls)
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise ValueError(f"must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return value


def _items(value: Any, cls: Any, converter: cattrs.Converter) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"must be a list, not {_shape(value)}")
    item: Any = get_args(cls)[0]
    every: Any = types.GenericAlias(tuple, (item, ...))
    return list(converter.structure(value, every))


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _is_list(cls: Any) -> bool:
    return get_origin(cls) is list


def _is_union(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType)


def _by_shape(value: Any, union: Any, converter: cattrs.Converter) -> Any:
    """The member of the union that has the TOML shape of ``value``."""
    members = [member for member in get_args(union) if member is not type(None)]
    if value is None and len(members) < len(get_args(union)):
        return None
    fitting = [member for member in members if _fits(value, member)]
    if not fitting:
        if len(members) == 1:
            return converter.structure(value, members[0])
        told = " or ".join(dict.fromkeys(_told(member) for member in members))
        raise TypeError(f"must be {told}, not {_shape(value)}")
    return converter.structure(value, fitting[0])


def _fits(value: Any, member: Any) -> bool:
    if member in (Secret, KeyConfig):
        return isinstance(value, (str, dict))
    origin = get_origin(member) or member
    if origin is dict or (isinstance(member, type) and attrs.has(member)):
        return isinstance(value, dict)
    if origin is float:
        return type(value) in (int, float)
    if origin is Path:
        return isinstance(value, str)
    if not isinstance(origin, type):  # Literal
        return value in get_args(member)
    return type(value) is origin


def _told(member: Any) -> str:
    origin = get_origin(member) or member
    if isinstance(origin, type):
        return _TOLD.get(origin, "a table" if attrs.has(origin) else "a string")
    return " or ".join(repr(choice) for choice in get_args(member))


def _shape(value: Any) -> str:
    return _TOLD.get(type(value), type(value).__name__)


def _flatten(error: BaseException, path: str, cls: Any) -> list[Mistake]:
    if isinstance(error, ClassValidationError):
        return _flatten_class(error, path)
    if isinstance(error, IterableValidationError):
        return [found for inner in error.exceptions for found in _flatten(inner, path + _place(inner), None)]
    if isinstance(error, ForbiddenExtraKeysError):
        known = [attribute.name for attribute in attrs.fields(error.cl)]
        return [unknown_key(f"{path}.{name}", name, known) for name in sorted(error.extra_fields)]
    if isinstance(error, KeyError):
        return [Mistake(path if path.endswith(f".{error.args[0]}") else f"{path}.{error.args[0]}", "is missing")]
    return [Mistake(path, str(error))]


def _flatten_class(error: ClassValidationError, path: str) -> list[Mistake]:
    found: list[Mistake] = []
    for inner in error.exceptions:
        found += _flatten(inner, path + _place(inner), None)
    return found


def _place(error: BaseException) -> str:
    """Where inside its parent an error happened, from the notes cattrs leaves."""
    for note in getattr(error, "__notes__", ()):
        name = getattr(note, "name", None)
        if name is not None:
            return f".{name}"
        index = getattr(note, "index", None)
        if index is not None:
            return f"[{index}]" if isinstance(index, int) else f".{index}"
    return ""


def unknown_key(path: str, name: str, known: list[str]) -> Mistake:
    """The mistake for a name nobody knows, with the nearest known one."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known)) or 'none'}"
    return Mistake(path, "is not known", hint)
