"""Splitting a JSON body: every object is split to its values, every doubtful one is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmgate_core import jsonfields
from llmgate_core.errors import InvalidRequest
from llmgate_core.jsonfields import decode_value, decode_whole, split_fields
from llmgate_core.native import native


@pytest.fixture(autouse=True, scope="module", params=["compiled", "plain"])
def twin(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test is for either way of splitting, as far as the compiled one is at hand."""
    if request.param == "compiled" and native is None:
        pytest.skip("llmgate-native is not built")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "plain":
            patch.setattr(jsonfields, "native", None)
        yield


text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(text, values, max_size=6)
spaces = st.text(" \t\r\n", max_size=2)


@given(objects, spaces, spaces, st.booleans(), st.none() | st.integers(0, 2))
@example({}, "", "", False, None)
@example({"": ""}, " ", "\n", True, None)
def test_any_object_in_any_spelling(value: dict[str, Any], comma: str, colon: str, ascii: bool, indent: Any) -> None:  # noqa: A002  # json's own word
    """Whatever separators, escapes and indentation: the fields have the values that were written."""
    separators = (comma + "," + colon, colon + ":" + comma)
    body = json.dumps(value, ensure_ascii=ascii, indent=indent, separators=separators).encode()
    assert decode_whole(split_fields(comma.encode() + body + colon.encode())) == value


@given(objects.filter(bool), st.data(), spaces)
def test_any_duplicate_in_any_spelling(value: dict[str, Any], data: st.DataObject, space: str) -> None:
    """A key that stands twice at the top is refused, in any place, with any white space or escapes."""
    name = data.draw(st.sampled_from(sorted(value)))
    pairs = [(key, json.dumps(one)) for key, one in value.items()]
    where = data.draw(st.integers(0, len(pairs)))
    pairs.insert(where, (name, data.draw(st.sampled_from(["1", "null", json.dumps(value[name])]))))
    escape = data.draw(st.booleans())
    rows = [f"{space}{json.dumps(key, ensure_ascii=escape)}{space}:{space}{one}" for key, one in pairs]
    with pytest.raises(InvalidRequest) as caught:
        split_fields(("{" + ",".join(rows) + space + "}").encode())
    assert caught.value.code == "invalid_json"
    assert caught.value.param == name[:100]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":{"x":1,"x":2}}',
        b'{"a":1,"b":{"a":2}}',
        b'{ "a" : [{"x":1,"x":2}] }',
        b'{"\\u0061":{"x":1,"x":2}}',
        b'{"a":"b","c":"a\\":1,\\"a\\":2"}',
    ],
)
def test_only_the_top_level_is_looked_at(body: bytes) -> None:
    """Inner objects are their readers' business, however the top is written; text that looks like a key is text."""
    assert split_fields(body)


def outcome(body: bytes) -> InvalidRequest | None:
    """What splitting and reading a body raises."""
    try:
        decode_whole(split_fields(body))
    except InvalidRequest as error:
        return error
    return None


@given(st.binary(max_size=40))
@example(b"\xff{}")
@example(b"{}\xff")
@example(b'{"a":tru}')
def test_garbage_is_refused_and_never_more(body: bytes) -> None:
    """Any bytes are either split or refused with a 400."""
    told = outcome(body)
    if told is not None:
        assert (told.status, told.code) == (400, "invalid_json")
    else:
        assert set(split_fields(body)) == set(json.loads(body))


@pytest.mark.parametrize("depth", [1, 10, 100, 500, 800, 900, 950, 980, 990, 1000, 5000, 100_000])
@pytest.mark.parametrize("name", [b'"a"', b'"\\u0061"'])
def test_depth(depth: int, name: bytes) -> None:
    """Deep nesting is split or refused, never a RecursionError, by either reader."""
    body = b"{" + name + b":" + b"[" * depth + b"]" * depth + b"}"
    told = outcome(body)
    assert told is None or "deep" in told.message
    assert (told is None) == (depth <= 500) or 500 < depth < 1000


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000, "-" + "9" * 5000, "1" * 65, "0." + "1" * 80])
def test_numbers_no_two_readers_agree_on(number: str) -> None:
    """At the top they are refused on splitting."""
    with pytest.raises(InvalidRequest) as caught:
        split_fields(b'{"n":' + number.encode() + b"}")
    assert caught.value.param == "n"


@pytest.mark.parametrize("number", ["1e999", "9" * 5000])
def test_such_numbers_inside(number: str) -> None:
    """Inside a field they are refused when somebody reads it."""
    fields = split_fields(b'{"n":[{"x":' + number.encode() + b"}]}")
    with pytest.raises(InvalidRequest):
        decode_value(fields["n"], "n")


@pytest.mark.parametrize("number", ["0", "-0", "1e-999", "1E5", "123456789012345678", "0.1", "1e308"])
def test_good_numbers(number: str) -> None:
    """Every number that readers agree on passes."""
    assert decode_value(split_fields(b'{"n":' + number.encode() + b"}")["n"], "n") == json.loads(number)


def test_long_key_is_not_repeated_whole() -> None:
    """A message shows at most a hundred characters of what a client wrote."""
    with pytest.raises(InvalidRequest) as caught:
        split_fields(b'{"%b":1,"%b":2}' % (b"k" * 5000, b"k" * 5000))
    assert len(caught.value.message) < 300


def test_raw_values_keep_their_spelling() -> None:
    """Numbers and strings stay as they were written."""
    assert bytes(split_fields(b'{"a": 1.50 ,"b":"\\u00e9"}')["a"]) == b"1.50"
    assert msgspec.json.encode(split_fields(b'{"b":"\\u00e9"}')) == b'{"b":"\\u00e9"}'
