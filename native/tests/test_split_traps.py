"""What the compiled twin of split_fields refuses, and how much it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Agree = Callable[[bytes], list[tuple[str, bytes]] | None]

TRAPS = {
    "not an object": [
        *(b"", b" ", b"[1]", b'"a"', b"1", b"null", b"{", b"}", b"{]", b"[}", b"{}}", b"{{}}"),
        *(b"{1:2}", b"{a:1}", b"{'a':1}", b"{null:1}", b"{[]:1}"),
    ],
    "members": [
        *(b'{"a"}', b'{"a":}', b'{"a":1,}', b'{,"a":1}', b'{"a":1,,"b":2}', b'{"a":1 "b":2}', b'{"a"::1}', b'{"a" 1}'),
        *(b'{"a":1;}', b'{"a",1}', b'{"a":1:"b":2}', b'{"a":1,"b"}'),
    ],
    "around it": [
        *(b'{"a":1}x', b'{"a":1}{}', b'{"a":1}}', b'{"a":1},', b'{"a":1}\x00', b'\xef\xbb\xbf{"a":1}', b'\x0c{"a":1}'),
        *(b'\xa0{"a":1}', b'{"a":1}/**/', b'\x00{"a":1}', b'{"a":1}\xef\xbb\xbf'),
    ],
    "containers": [
        *(
            b'{"a":[,1]}',
            b'{"a":[1,]}',
            b'{"a":[1 2]}',
            b'{"a":[}',
            b'{"a":[1}',
            b'{"a":[[]}',
            b'{"a":]}',
            b'{"a":[1:2]}',
        ),
        *(
            b'{"a":{"b":1]}',
            b'{"a":[{]}]}',
            b'{"a":{"b":1,}}',
            b'{"a":{,}}',
            b'{"a":[,]}',
            b'{"a":{"b"}}',
            b'{"a":{1:1}}',
        ),
    ],
    "numbers": [
        b'{"a":%b}' % shape.replace(b"*", number)
        for number in b"01 - -- +1 1. .5 -.5 1.e5 1e 1e+ 0x1 1_0 -01 00 1ee5 1e5.5 NaN -Infinity \xd9\xa1 1.2.3 0e".split()
        for shape in (b"*", b" * ", b"[*]", b"[1,*,2]", b'{"b":*}')
    ],
    "words": [
        b'{"a":%b}' % one for one in b"tru True nul nulL truefalse nulll t f n fals \xff undefined true1".split()
    ],
    "odd at the top": [b'{"a":%b}' % one for one in (b"1e999", b"-1e999", b"1" * 65, b"-" + b"9" * 5000, b"1.0e+400")],
    "twice": [
        *(
            b'{"a":1,"a":2}',
            b'{"a":1,"\\u0061":2}',
            b'{"\\u0061":1,"a":2}',
            b'{"b":0,"a":1,"c":[],"a":{}}',
            b'{"":1,"":2}',
        ),
        '{"é":1, "\\u00e9":2}'.encode(),
        '{"é":1, "é":2}'.encode(),
    ],
    "escapes": [
        b'{"a":"%b"}' % one
        for one in (
            *(b"\\ud800", b"\\udc00", b"\\ud800\\ud800", b"\\udc00\\ud800", b"\\ud83d \\ude00", b"\\ud83d\\n"),
            *(b"\\uD83D\\u0041", b"\\uD83D\\uE000", b"\\uDFFF", b"\\uD83Dude00", b"\\ud83d\\\\ude00", b"\\ud83d\\ude0"),
            *(
                b"\\u",
                b"\\u123",
                b"\\u 123",
                b"\\u-123",
                b"\\u12g4",
                b"\\U0041",
                b"\\x41",
                b"\\'",
                b"\\0",
                b"\\",
                b"\\\n",
                b"\\\xc3\xa9",
            ),
        )
    ],
    "bytes": [
        b'{"a":"%b"}' % one
        for one in (
            *(
                b"\n",
                b"\t",
                b"\x00",
                b"\x1f",
                b"\xff",
                b"\xc0\xaf",
                b"\xe0\x80\x80",
                b"\xed\xa0\x80\xed\xb0\x80",
                b"\x80",
            ),
            *(
                b"\xf8\x88\x80\x80\x80",
                b"\xf4\x90\x80\x80",
                b"\xe4\xbd",
                b"\xe4\xbdx",
                b"\xf0\x8f\xbf\xbf",
                b"\xc3\xa9\xa9",
            ),
        )
    ],
    "keys": [
        shape % one
        for one in (b"\\ud800", b"\n", b"\xff", b"\\", b"\xed\xa0\x80", b"\\q", b"\xc3")
        for shape in (b'{"%b":1}', b'{"a":{"%b":1}}', b'{"a":[{"b":1,"%b":1}]}')
    ],
    "deep": [
        *(b'{"a":' + one * 100_000 for one in (b"[", b'{"a":', b'[{"a":')),
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
}


@pytest.mark.parametrize("kind", TRAPS)
def test_traps(agree: Agree, kind: str) -> None:
    """What a gateway must not take is not taken, short or with a long and usual field before it."""
    for body in TRAPS[kind]:
        assert agree(body) is None, body[:99]
        assert agree(body.replace(b"{", b'{"long":"' + b"word " * 50 + b'",', 1)) is None, body[:99]


@pytest.mark.parametrize("depth", [1, 2, 100, 127, 128, 129, 200])
def test_depth(agree: Agree, depth: int) -> None:
    """Containers nest as deep as anybody needs, and some deeper ones are left to Python."""
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        inner = b"1" if opening != b"[" else b""
        found = agree(b'{"k":' + opening * depth + inner + closing * depth + b"}")
        assert (found is not None) == (depth <= 128)


@pytest.mark.parametrize(
    "number", b"0 -0 1e5 1E-9 0.12345 -12345 123456789012345678 -0.000000000000001 12345.6789".split()
)
def test_numbers_at_the_top(agree: Agree, number: bytes) -> None:
    """Such numbers as requests have need not be left to Python: with an exponent only short ones."""
    found = agree(b'{"n":%b, "m" : 1 }' % number)
    assert found == [("n", number), ("m", b"1")] or (len(number) > 4 and b"e" in number.lower())


def test_many_fields(agree: Agree) -> None:
    """More fields than any request has are left to Python."""
    for count in (1, 2, 63, 64, 65, 1000):
        found = agree(b"{%b}" % b",".join(b'"f%d":%d' % (at, at) for at in range(count)))
        assert (found is not None) == (count <= 64)


def test_inner_duplicates_are_their_readers_business(agree: Agree) -> None:
    """Only at the top a key must not stand twice; text that looks like one is text."""
    assert agree(b'{"a":{"x":1,"x":2},"b":[{"\\u0061":1,"a":2}],"c":"a\\":1,\\"a\\":2"}') is not None
