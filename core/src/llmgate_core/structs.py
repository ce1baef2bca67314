"""Structs whose fields are set as quickly as those of a class with ``__slots__``."""

from __future__ import annotations

from typing import TypeVar

_Class = TypeVar("_Class", bound=type)


def quickly_set(cls: _Class) -> _Class:
    """A decorator for a :class:`msgspec.Struct` that many fields are set on, one by one, for every request.

    msgspec sets a field through a function of its own, which CPython's interpreter cannot specialise: five times the price.
    All that it does more is to show a Struct to the garbage collector that was made of nothing the collector looks at, and
    is given such a thing later. Only for a Struct that holds an instance from the beginning, then: it is shown at once.
    """
    # One by one, since msgspec puts its own in while the class is made. The two share a slot, which takes a C function only if
    # both name the same one.
    cls.__setattr__ = object.__setattr__  # type: ignore[assignment,method-assign]  # the type's, not an instance's
    cls.__delattr__ = object.__delattr__  # type: ignore[assignment,method-assign]
    return cls
