"""How the C reads rows, what shapes it takes, and that it keeps nothing and overruns nothing."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from attrs import define

LONGEST_LINE = 4096
ONE = ((0, 0),)


class Held(msgspec.Struct):
    """Something with a slot for each attribute."""

    name: Any = "held"
    other: Any = None


@define
class Slotted:
    """The same, of another make."""

    other: Any = None
    name: Any = "slotted"


def named(compiled: Any) -> Any:
    """What tells the name of a row's only item."""
    return compiled.JsonLines(((0, 0), (1, "name")), (("text or none", b'"n":', (2,)),), {}).line


def test_attributes_of_any_kind(compiled: Any) -> None:
    """Slots, an instance's own, a class's, and what is computed; of None they are None."""
    computed = type("Computed", (), {"name": property(lambda _: "computed")})
    general = type("General", (), {"name": "general"})
    lazy = type("Lazy", (Slotted,), {"__getattribute__": lambda *_: "lazy"})
    line = named(compiled)
    for _ in range(3):
        for value in (Held(), Slotted(), SimpleNamespace(name="own"), computed(), general(), lazy(), lazy):
            name = getattr(value, "name", None)
            told = None if not isinstance(name, str) else b'{"n":"%b"}\n' % name.encode()
            assert line((value,)) == line((value,)) == told  # at once again: where it was found last is remembered
        assert line((None,)) == b"{}\n"


def test_a_slot_of_another_class(compiled: Any) -> None:
    """A class with a slot that is not its own has nothing there."""
    borrower = type("Borrower", (), {"__slots__": (), "name": vars(Slotted)["name"]})()
    with pytest.raises(TypeError, match="doesn't apply"):
        _ = borrower.name
    line = named(compiled)
    assert [line((borrower,)) for _ in range(3)] == [None] * 3


def test_a_class_that_changes(compiled: Any) -> None:
    """Where an attribute was found last is not where it is for ever."""
    Changing: Any = type("Changing", (), {"__slots__": ("name", "second")})  # noqa: N806  # a class
    line, value = named(compiled), Changing()
    value.name, value.second = "first", "second"
    slot = Changing.name
    assert line((value,)) == line((value,)) == b'{"n":"first"}\n'
    Changing.name = Changing.second
    assert line((value,)) == line((value,)) == b'{"n":"second"}\n'
    Changing.name = "general"
    assert line((value,)) == b'{"n":"general"}\n'
    Changing.name = slot
    assert line((value,)) == b'{"n":"first"}\n'
    del value.name
    assert line((value,)) is None
    del Changing.name
    assert line((value,)) is None


def test_many_classes_that_come_and_go(compiled: Any) -> None:
    """A new class where an old one was is not taken for it."""
    line = named(compiled)
    for number in range(500):
        names = ["name", "a", "b"][number % 3 :] + ["name"] * (number % 3 > 0)
        value = type("Short", (), {"__slots__": tuple(names)})()
        value.name = f"n{number}"
        assert line((value,)) == b'{"n":"n%d"}\n' % number
        del value
        gc.collect(0)


def test_what_cannot_be_read(compiled: Any) -> None:
    """An attribute or an item that is not there is Python's to meet; what ends the process is passed on."""

    def fails(error: type[BaseException]) -> Any:
        def read(_: Any) -> Any:
            raise error

        return type("Fails", (), {"name": property(read)})()

    line = named(compiled)
    for row in ((), [Held()], "h", 5, (5,), (fails(ValueError),), (Held(object()),)):
        assert line(row) is None
    assert line(None) == b"{}\n"
    for error in (KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            line((fails(error),))


def test_values_live_as_long_as_they_are_needed(compiled: Any) -> None:
    """Reading one value may let go of another that was read."""
    held = Held()
    clear = type("Clear", (), {"name": property(lambda _: setattr(held, "name", None))})()
    puts = (("text", b'"n":', (3,)), ("text or none", b'"c":', (4,)))
    line = compiled.JsonLines(((0, 0), (0, 1), (1, "name"), (2, "name")), puts, {}).line
    for number in range(100):
        held.name = f"made just now {number}"
        assert line((held, clear)) == b'{"n":"made just now %d"}\n' % number


def test_objects_and_what_is_left_out(compiled: Any) -> None:
    """Commas stand between members and nowhere else, and a given value decides about those behind it."""
    puts: Any = (
        ("text or none", b'"a":', (1,)),
        ("given", 3, (2,)),
        ("open", b'"o":{', ()),
        *(("number or none", b'"%c":' % name, (at,)) for at, name in ((3, b"p"),)),
        ("close", b"}", ()),
        ("open", b'"l":[{', ()),
        ("text or none", b'"b":', (1,)),
        ("number or none", b'"q":', (3,)),
        ("close", b"}]", ()),
    )
    line = compiled.JsonLines(((0, 0), (0, 1), (0, 2)), puts, {}).line
    assert line(("t", "", 1)) == b'{"a":"t","o":{"p":1},"l":[{"b":"t","q":1}]}\n'
    assert line((None, "", 1)) == b'{"o":{"p":1},"l":[{"q":1}]}\n'
    assert line((None, "", None)) == b'{"o":{},"l":[{}]}\n'
    assert line(("t", None, 5)) == b'{"a":"t","l":[{"b":"t","q":5}]}\n'


def test_line_ends_before_its_room_does(compiled: Any) -> None:
    """However long the parts are, a line that is made is whole; a longer one is left to Python."""
    puts: Any = (("text", b'"a":', (1,)), ("number", b'"n":', (2,)), ("text", b'"b":', (3,)), ("span", b'"s":', (4,)))
    line = compiled.JsonLines(((0, 0), (0, 1), (0, 2), (0, 3)), (*puts, ("time", b'"t":', (4,))), {}).line
    refused = 0
    for size in range(3900, 4200):
        for more in (0, 1, 33, 4200):
            made = line(("x" * size, 2**63 - 1, "y" * more, 1.125))
            refused += made is None
            assert made is None or (msgspec.json.decode(made)["b"] == "y" * more and len(made) <= LONGEST_LINE)
            assert made is not None or size + more > LONGEST_LINE - 150
    assert refused
    closes = compiled.JsonLines(ONE, (("text", b'"a":', (1,)), *((("close", b"x" * 32, ()),) * 200)), {}).line
    assert closes(("a",)) is None


def test_shapes_that_are_none(compiled: Any) -> None:
    """A wrong shape is told when it is made."""
    text = ("text", b'"a":', (1,))
    wrong: list[tuple[Any, ...]] = [
        (),
        (ONE, (text,)),
        (list(ONE), (text,), {}),
        (ONE, [text], {}),
        (ONE, (text,), []),
        (((0,),), (), {}),
        (("ab",), (), {}),
        (((0, None),), (), {}),
        (((0, -1),), (), {}),
        (((0, 2**70),), (), {}),
        (((1, 0),), (), {}),
        (((-1, 0),), (), {}),
        (((0, 0),) * 65, (), {}),
        *((ONE, (put,), {}) for put in (("text", '"a":', (1,)), ("text", b'"a":', [1]), ("text", b"a"), "abc", None)),
        *((ONE, (("text", b'"a":', sources),), {}) for sources in ((), (2,), (-1,), (1, 1), ("1",), (2**70,))),
        *((ONE, (("span", b'"a":', (1,) * count),), {}) for count in (0, 4)),
        *((ONE, (("given", count, (1,)), text), {}) for count in (-1, 2, 2**70, b"a", None)),
        *((ONE, put, {}) for put in ((("open", b"{", (1,)),), (("other", b"", ()),), (("text", b"x" * 33, (1,)),))),
    ]
    for arguments in wrong:
        with pytest.raises((TypeError, ValueError, OverflowError)):
            compiled.JsonLines(*arguments)
    with pytest.raises(TypeError):
        compiled.JsonLines(ONE, (text,), {}, names={})
    assert compiled.JsonLines((), (), {}).line(()) == b"{}\n"


def test_a_million_lines_leave_nothing_behind(compiled: Any) -> None:
    """Neither those that are made nor those that are refused, by text or by attribute."""
    shared = [f"text-{number}" for number in range(3)]
    good, odd, none = (Held(shared[0]), shared[1]), (Held('"'), shared[2]), (object(), shared[1])
    puts = (("text", b'"n":', (3,)), ("text or none", b'"t":', (2,)))
    line = compiled.JsonLines(((0, 0), (0, 1), (1, "name")), puts, {}).line
    for rounds in (1000, 1_000_000):
        counts = [sys.getrefcount(value) for value in (*shared, *good, *odd, *none, None)]
        blocks = sys.getallocatedblocks()
        for _ in range(rounds // 10):
            for row in (good,) * 8 + (odd, none):
                line(row)
        assert abs(sys.getallocatedblocks() - blocks) < 200
        assert abs(sum(sys.getrefcount(value) for value in (*shared, *good, *odd, *none, None)) - sum(counts)) < 200


def test_shapes_leave_nothing_behind(compiled: Any) -> None:
    """Neither good ones nor those refused halfway, nor one in a circle with its names."""
    good = (("text", b'"a":', (1,)),)

    def make() -> None:
        names: dict[Any, Any] = {}
        names["self"] = compiled.JsonLines(((0, "an attribute"),), good, names)
        with pytest.raises(ValueError, match="kind"):
            compiled.JsonLines(((0, "another"),), (*good, ("no", b"", ())), {})

    for _ in range(10):
        make()
    gc.collect()
    blocks = sys.getallocatedblocks()
    for _ in range(300):
        make()
    gc.collect()
    assert abs(sys.getallocatedblocks() - blocks) < 200
