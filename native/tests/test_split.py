"""The compiled twin of split_fields: what it accepts is what Python makes of it, wherever in the body something is odd."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Agree = Callable[[bytes], list[tuple[str, bytes]] | None]

text = st.text(st.characters(exclude_categories=["Cs"]))
long_text = st.lists(
    st.sampled_from(["Say it well. ", "\n", '"', "\\", "é", "你好", "😀", "\x7f", "x" * 61]), max_size=30
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | long_text.map("".join),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(text, values, max_size=6)
spaces = st.text(" \t\r\n", max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """JSON objects in any spelling."""
    space = draw(spaces)
    separators = (space + "," + draw(spaces), draw(spaces) + ":" + space)
    shape: dict[str, Any] = {"ensure_ascii": draw(st.booleans()), "indent": draw(st.none() | st.integers(0, 2))}
    return (space + json.dumps(draw(objects), separators=separators, **shape) + draw(spaces)).encode()


@given(documents())
def test_documents(agree: Agree, body: bytes) -> None:
    """Whatever is in an object and however it is written."""
    agree(body)


@given(st.dictionaries(st.sampled_from(["model", "messages", "é", ""]), values, min_size=1), spaces, st.booleans())
def test_usual_documents_are_taken(agree: Agree, value: dict[str, Any], space: str, escape: bool) -> None:
    """Objects without odd numbers at the top and without escapes in keys are split, not left to Python."""
    expected = [(name, json.dumps([one], ensure_ascii=escape).encode()) for name, one in value.items()]
    rows = [b'"%b"%b:%b' % (name.encode(), space.encode(), one) for name, one in expected]
    assert agree(space.encode() + b"{" + b",".join(rows) + space.encode() + b"}") == expected


@given(documents(), st.data())
def test_broken_documents(agree: Agree, body: bytes, data: st.DataObject) -> None:
    """Some bytes are changed, put in, taken out, or moved."""
    broken = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(broken)))
        size = data.draw(st.integers(0, 2))
        broken[at : at + size] = data.draw(st.binary(max_size=2) | st.sampled_from(list(INTERESTING)))
    agree(bytes(broken))


INTERESTING = (
    *(bytes([one]) for one in b"\x00\t\n\x1f \"',-.0159:E[\\]e{}aunt\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xe0\xed\xf0\xf4\xff"),
    b"\\u", b"\\ud83d", b"\\ude00", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b'"a":1,', b"[]", b"{}", b"1e5",
)  # fmt: skip
SEED = (
    '{"model":"m-é-你", "n":[-1.5e+3,0,null,true,false,{},[ ]] ,"stream":false,"seed":12345,\n'
    '"messages":[{"role":"user","content":"a\\n\\"b\\u00e9\\ud83d\\ude00 😀 the end of a string longer than a block"}]}\r\n'
).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda at, piece: SEED[:at] + piece + SEED[at:],
        lambda at, piece: SEED[:at] + piece + SEED[at + len(piece) :],
        lambda at, piece: SEED[:at] + piece,
        lambda at, piece: SEED[:at] + SEED[at + len(piece) :] + piece,
    ],
    ids=["put in", "put over", "break off", "move to the end"],
)
def test_every_place_of_a_document(agree: Agree, change: Callable[[int, bytes], bytes]) -> None:
    """One document, with everything of interest at each of its places."""
    assert agree(SEED) is not None
    for at in range(len(SEED) + 1):
        for piece in (b"", *INTERESTING):
            agree(change(at, piece))


@pytest.mark.parametrize("bit", range(8))
def test_every_bit_of_a_document(agree: Agree, bit: int) -> None:
    """One bit is turned over, at each place."""
    for at in range(len(SEED)):
        agree(SEED[:at] + bytes([SEED[at] ^ 1 << bit]) + SEED[at + 1 :])


GOOD = (b"\\n", b'\\"', b"\\\\", b"\\u00e9", b"\\ud83d\\ude00", "é".encode(), "你".encode(), "😀".encode(), b"\x7f")
BAD = (
    b"\x1f",
    b"\x00",
    b"\\",
    b"\\x",
    b"\\ud83d",
    b"\\u12g4",
    b"\x80",
    b"\xc3",
    b"\xe4\xbd",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98",
)


@pytest.mark.parametrize("special", [*GOOD, *BAD, b'"'])
@pytest.mark.parametrize(
    "end", [b'"}', b'","the end":"is far enough away for a whole block to follow the text, and another probe"}']
)
def test_every_place_of_a_string(agree: Agree, special: bytes, end: bytes) -> None:
    """Strings of each length, with something special at each place: no edge of a block is an exception."""
    plain = b"abcdefghij" * 30
    taken = True
    for size in range(301):
        for at in range(size + 1):
            found = agree(b'{"k":"' + plain[:at] + special + plain[: size - at] + end)
            taken = taken and found is not None
    assert taken == (special in GOOD)


LEADS = b"A\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"


@pytest.mark.parametrize("before", [0, 5, 6, 7, 53, 54, 55])
def test_utf8(agree: Agree, before: int) -> None:
    """Every combination of the bytes at which UTF-8's rules change, across the edges of what is judged at once."""
    start, end = b'{"k":"' + b"." * before, b'", "j": "' + b"." * 70 + b'"}'
    taken = 0
    for first in LEADS:
        for second in LEADS:
            for third in LEADS:
                for fourth in b"A\x80\xbf":
                    found = agree(start + bytes([first, second, third, fourth]) + end)
                    taken += found is not None
    assert taken > 500
