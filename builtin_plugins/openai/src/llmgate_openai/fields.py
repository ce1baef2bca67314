"""Takes a JSON object apart field by field, and says where a wrong type stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from llmgate_core.decisions import EMPTY
from llmgate_core.errors import GatewayError, InvalidRequest
from llmgate_core.upstream_errors import UpstreamBadResponse

Fail = Callable[[str, str], GatewayError]
_SHOWN: Final = 60


def client_fault(path: str, told: str) -> InvalidRequest:
    """The client's JSON is wrong at ``path`` (``messages[2].content``); ``told`` goes on with the sentence."""
    return InvalidRequest(f"{path} {told}", code="invalid_type", param=path)


def provider_fault(path: str, told: str) -> UpstreamBadResponse:
    """The provider's JSON is wrong at ``path``."""
    return UpstreamBadResponse(f"the provider's answer cannot be read: {path} {told}")


class Fields:
    """One JSON object. Each field is taken once; what is left at the end is the native extra.

    null means "not given", as it does in the API's own reference: such fields are as if absent.
    """

    __slots__ = ("_fail", "_left", "path")

    def __init__(self, value: Any, path: str, fail: Fail) -> None:
        if type(value) is not dict:
            raise fail(path or "the body", "must be an object")
        self._left: dict[str, Any] = {name: field for name, field in value.items() if field is not None}
        self._fail = fail
        self.path = path

    def where(self, name: str) -> str:
        """The path of a field, as the client would write it."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, told: str) -> GatewayError:
        """The error to raise for a field."""
        return self._fail(self.where(name), told)

    def has(self, name: str) -> bool:
        """Whether the field is given and not yet taken."""
        return name in self._left

    def take(self, name: str) -> Any:
        """The field, whatever its type."""
        return self._left.pop(name, None)

    def _typed(self, name: str, kind: type, told: str) -> Any:
        value = self._left.pop(name, None)
        if value is not None and type(value) is not kind:
            raise self.wrong(name, f"must be {told}")
        return value

    def string(self, name: str) -> str | None:
        """A string, or None."""
        value = self._left.pop(name, None)
        if value is None or type(value) is str:
            return value
        raise self.wrong(name, "must be a string")

    def boolean(self, name: str) -> bool | None:
        """true, false, or None."""
        value: bool | None = self._typed(name, bool, "true or false")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None."""
        value: int | None = self._typed(name, int, "a whole number")
        return value

    def count(self, name: str) -> int | None:
        """A whole number that is not negative, or None."""
        value = self.integer(name)
        if value is not None and value < 0:
            raise self.wrong(name, f"must not be negative, and is {value}")
        return value

    def number(self, name: str) -> float | None:
        """A number, left as it was written (1 stays 1), or None."""
        value = self._left.pop(name, None)
        if value is None or type(value) is int:
            return value
        if type(value) is float and math.isfinite(value):
            return value
        raise self.wrong(name, "must be a number")

    def mapping(self, name: str) -> dict[str, Any] | None:
        """An object, untouched, or None."""
        value: dict[str, Any] | None = self._typed(name, dict, "an object")
        return value

    def array(self, name: str) -> list[Any] | None:
        """An array, untouched, or None."""
        value: list[Any] | None = self._typed(name, list, "an array")
        return value

    def needed(self, name: str) -> str:
        """A string that must be there."""
        value = self.string(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def inner(self, name: str) -> Fields:
        """An object that must be there, to be taken apart in turn."""
        if name not in self._left:
            raise self.wrong(name, "is missing")
        return self.child(name, self._left.pop(name))

    def child(self, name: str, value: Any) -> Fields:
        """A value that was taken, to be taken apart in turn: it must be an object."""
        return Fields(value, self.where(name), self._fail)

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of an array, each to be taken apart; none when the field is absent."""
        if name not in self._left:
            return
        for number, item in enumerate(self.array(name) or ()):
            yield self.child(f"{name}[{number}]", item)

    def rest(self, **inner: Fields) -> Mapping[str, Any]:
        """What nobody took, with what nobody took of the ``inner`` objects, each under its name."""
        left = dict(self._left)
        for name, fields in inner.items():
            if fields._left:
                left[name] = dict(fields._left)
        return left or EMPTY


def merge(target: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Put native extras into a written object. What is written already wins; inner objects are merged one level deep."""
    for name, value in extra.items():
        present = target.get(name)
        if name not in target:
            target[name] = value
        elif isinstance(present, dict) and isinstance(value, Mapping):
            target[name] = {**present, **{key: inner for key, inner in value.items() if key not in present}}
    return target


def plain(value: Any) -> Any:
    """For the JSON encoder: canonical values hold mappings of any kind."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def shown(value: Any) -> str:
    """A short, escaped piece of what a client sent, for an error's text."""
    return ascii(value if len(str(value)) <= _SHOWN else str(value)[:_SHOWN] + "…")
