"""A section that is empty or not there: the class speaks for itself, and what is wrong with it is told all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field, validators

from llmgate_core.strict import MistakesFound, structure

if TYPE_CHECKING:
    from fractions import Fraction


@define
class Plain:
    """All by default."""

    names: list[str] = field(factory=list)
    count: int = 1


@define
class Needy:
    """Wants a value."""

    name: str
    count: int = 1


@define
class Harsh:
    """Its own default is refused."""

    count: int = field(default=0, validator=validators.ge(1))


@define
class Moody:
    """Finds fault with what it was given, when all of it is there."""

    count: int = 0

    def __attrs_post_init__(self) -> None:
        """Raises for the default."""
        if not self.count:
            raise ValueError("give a count")


@define
class Unreadable:
    """Has an annotation that only a type checker can read."""

    share: Fraction | None = None


@define
class Outer:
    """Holds another."""

    inner: Unreadable = field(factory=Unreadable)


def test_defaults_are_those_of_the_class() -> None:
    """Nothing given, nothing changed; and no two gateways share a list."""
    first, second = structure({}, Plain, "at"), structure({}, Plain, "at")
    assert first == Plain([], 1)
    assert first.names is not second.names


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (Needy, "at.name: is missing"),
        (Harsh, "at: 'count' must be >= 1: 0"),
        (Moody, "at: give a count"),
        (Unreadable, "at: name 'Fraction' is not defined"),
        (Outer, "at: name 'Fraction' is not defined"),
    ],
)
def test_what_is_wrong_with_a_class_is_told_without_a_value(cls: type[Any], told: str) -> None:
    """A value that is needed, defaults that are refused, annotations that cannot be read."""
    with pytest.raises(MistakesFound) as caught:
        structure({}, cls, "at")
    assert [str(mistake) for mistake in caught.value.mistakes] == [told]
