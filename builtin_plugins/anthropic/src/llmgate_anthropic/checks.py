"""Reading JSON values strictly: the value with its type, or an error that names the path (``messages.2.content``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from llmgate_core.decisions import EMPTY
from llmgate_core.errors import InvalidRequest

NAME: Final = "anthropic.messages"
T = TypeVar("T")


def wrong(path: str, told: str) -> InvalidRequest:
    """The error for a value that is not ``told`` (``a string``)."""
    return InvalidRequest(f"{path}: must be {told}", code="invalid_type", param=path)


def missing(path: str) -> InvalidRequest:
    """The error for a field that must be there."""
    return InvalidRequest(f"{path}: this field is required", code="missing_required_parameter", param=path)


def a_string(value: Any, path: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise wrong(path, "a string")
    return value


def a_bool(value: Any, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(path, "true or false")
    return value


def a_count(value: Any, path: str) -> int:
    """A whole number, not negative."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise wrong(path, "a whole number that is not negative")
    return value


def a_number(value: Any, path: str) -> float:
    """A number; a whole one stays whole."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong(path, "a number")
    return value


def an_object(value: Any, path: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise wrong(path, "an object")
    return value


def a_list(value: Any, path: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise wrong(path, "an array")
    return value


def strings(value: Any, path: str) -> tuple[str, ...]:
    """An array of strings."""
    return tuple(a_string(item, f"{path}.{i}") for i, item in enumerate(a_list(value, path)))


def optional(data: Mapping[str, Any], name: str, check: Callable[[Any, str], T], path: str = "") -> T | None:
    """A field that may be absent or null."""
    value = data.get(name)
    return None if value is None else check(value, join(path, name))


def required(data: Mapping[str, Any], name: str, check: Callable[[Any, str], T], path: str = "") -> T:
    """A field that must be there."""
    if data.get(name) is None:
        raise missing(join(path, name))
    return check(data[name], join(path, name))


def join(path: str, name: str) -> str:
    """A path one step further."""
    return f"{path}.{name}" if path else name


def rest(data: Mapping[str, Any], *known: str) -> Mapping[str, Any]:
    """What of ``data`` is not ``known`` and not null: kept under its native name."""
    left = {name: value for name, value in data.items() if name not in known and value is not None}
    return left or EMPTY
