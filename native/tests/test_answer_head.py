"""A head that a provider repeats: the regular expression in Python and its twin know the same ones, by the same values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmgate_core.headers import Shape, WireHeaders
from llmgate_core.wire.known_answer import KnownAnswer, learn

USUAL = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: uvicorn\r\nContent-Length: 4711\r\n\r\n",
    b"HTTP/1.1 200 \r\nConnection: keep-alive\r\nContent-Length:17\r\nx-a:\r\nx-b:  \tb  \r\nvia: \xe9\r\n\r\n",
    b"HTTP/1.1 200 Fine\tso\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\ncontent-length: 999999999\r\n\r\n",
)
NAMES = st.sampled_from([b"date", b"Server", b"X-Request-Id", b"set-cookie", b"x!#$%&'*+.^_`|~", b"a" * 40])
VALUES = st.binary(max_size=12).map(lambda value: bytes(c for c in value if c == 9 or (c >= 32 and c != 127)))
SPACES = st.sampled_from([b"", b" ", b"\t", b"  \t "])
LINES = st.one_of(
    st.tuples(NAMES, SPACES, VALUES),
    st.tuples(st.sampled_from([b"connection", b"Connection"]), SPACES, st.sampled_from([b"keep-alive", b"Keep-Alive"])),
)
LENGTHS = st.integers(0, 10**9 - 1).map(lambda size: b"%d" % size)


@st.composite
def heads(draw: Any) -> bytes:
    """A head as servers write them, with one length."""
    lines = draw(st.lists(LINES, max_size=6))
    lines.insert(draw(st.integers(0, len(lines))), (b"Content-Length", draw(SPACES), draw(LENGTHS)))
    text = b"".join(name + b":" + space + value + b"\r\n" for name, space, value in lines)
    reason: bytes = draw(st.sampled_from([b"OK", b"", b"So be it"]))
    return b"HTTP/1.1 200 " + reason + b"\r\n" + text + b"\r\n"


@st.composite
def altered(draw: Any, head: bytes) -> bytes:
    """The head, or what became of it: bytes changed, put in or left out, cut short, with more behind."""
    data = bytearray(head)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        piece = draw(
            st.sampled_from(
                [b" ", b"\t", b"\r\n", b"\n", b"\r", b":", b"0", b"9", b"\0", b"\x7f", b"\x80", b"\xff", b"k"]
            )
            | st.binary(max_size=3)
        )
        data[at : at + draw(st.integers(0, 2))] = piece
    if draw(st.booleans()):
        data += draw(st.binary(max_size=20))
    elif draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


def read(head: bytes) -> WireHeaders:
    """The headers as llhttp gives them: values without the spaces before them."""
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:-2]]
    return WireHeaders(Shape([name for name, _, _ in lines]), tuple(value.lstrip(b" \t") for _, _, value in lines))


def both(compiled: Any, known: KnownAnswer, data: bytes) -> Any:
    """What both make of ``data``: values, where the body begins, and its length; None where it is another head."""
    twin = compiled.AnswerHead(known.shape, known.lines, lambda shape, spans: (shape, tuple(spans), len(spans)))
    match, found = known.pattern.match(data), twin.match(data)
    if match is None:
        assert found is None, data
        return None
    assert found is not None, data
    (shape, values, count), begin, length = found
    assert (shape, values, count) == (known.shape, match.groups(), len(match.groups())), data
    assert (begin, length) == (match.end(), int(match[known.length])), data
    return found


@settings(max_examples=600)
@given(st.data(), st.one_of(heads(), st.sampled_from(USUAL)))
def test_both_know_the_same(compiled: Any, data: st.DataObject, head: bytes) -> None:
    """Whatever head was learned, and whatever comes then: both match, with the same values and places, or neither does."""
    known = learn(head, read(head))
    if known is None:
        return
    both(compiled, known, data.draw(altered(head)))
    both(compiled, known, data.draw(heads()))


@given(heads(), LENGTHS)
@example(USUAL[2], b"5")
def test_what_servers_write_is_learned_and_known(compiled: Any, head: bytes, length: bytes) -> None:
    """A usual head is learned; it is known again, with another length too, and so both agree on more than refusals."""
    known = learn(head, read(head))
    assert known is not None
    assert both(compiled, known, head) is not None
    lines = head.split(b"\r\n")
    (at,) = (at for at, line in enumerate(lines) if line.startswith(b"Content-Length"))
    lines[at] = b"Content-Length: " + length
    assert both(compiled, known, b"\r\n".join(lines))[2] == int(length)


@pytest.mark.parametrize("head", USUAL)
def test_every_byte_matters(compiled: Any, head: bytes) -> None:
    """Each byte replaced by each of those that mean something, each one left out, each end: both still agree."""
    known = learn(head, read(head))
    assert known is not None
    for at in range(len(head)):
        for byte in b"\0\t\n\r :09AZaz~\x1f\x7f\x80\xff":
            both(compiled, known, head[:at] + bytes([byte]) + head[at + 1 :])
        both(compiled, known, head[:at] + head[at + 1 :])
        both(compiled, known, head[:at])


def test_very_many_headers_are_left_to_the_parser(compiled: Any) -> None:
    """Up to 64 lines are known; of more the twin says that it does not know them, which is slower and not wrong."""
    for count, knows in ((63, True), (64, False)):
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n" + b"".join(b"h%d: v\r\n" % at for at in range(count)) + b"\r\n"
        )
        known = learn(head, read(head))
        assert known is not None
        twin = compiled.AnswerHead(known.shape, known.lines, WireHeaders)
        assert (twin.match(head) is not None) is knows


def test_values_are_a_sequence(compiled: Any) -> None:
    """They are counted, indexed from both ends, and end; each is bytes."""
    known = learn(USUAL[0], read(USUAL[0]))
    assert known is not None
    found: Any = compiled.AnswerHead(known.shape, known.lines, lambda _, spans: spans).match(USUAL[0] + b"{}")
    spans = found[0]
    assert (spans[0], spans[-1], list(spans)) == (b"application/json", b"2", [b"application/json", b"2"])
    for place in (2, -3):
        with pytest.raises(IndexError):
            spans[place]
    with pytest.raises(TypeError):
        type(spans)()


def test_an_answer_that_cannot_be_made_is_an_error(compiled: Any) -> None:
    """What ``make`` raises comes out; so does what is wrong with the lines, before anything is matched."""
    known = learn(USUAL[0], read(USUAL[0]))
    assert known is not None
    twin = compiled.AnswerHead(known.shape, known.lines, lambda _: None)
    for _ in range(3):
        with pytest.raises(TypeError):
            twin.match(USUAL[0])
    wrong: list[Any] = [[], ((b"a", 1),), ((b"a",),), (("a", None),), (b"a",), ((b"a", False),)]
    for lines in wrong:
        with pytest.raises(TypeError):
            compiled.AnswerHead(None, lines, None)
    assert compiled.AnswerHead.__new__(compiled.AnswerHead).match(USUAL[0]) is None


def test_a_twin_that_changes_while_it_answers(compiled: Any) -> None:
    """Made anew from within ``make``, it lets go of nothing that is in use."""
    known = learn(USUAL[0], read(USUAL[0]))
    assert known is not None

    def make(*_: Any) -> str:
        twin.__init__(None, (), None)
        return "made"

    twin = compiled.AnswerHead(object(), known.lines, make)
    assert twin.match(USUAL[0])[0] == "made"
    assert twin.match(USUAL[0]) is None
