"""How the compiled twin of split_fields is called, and what it hands out."""

from __future__ import annotations

import msgspec
import pytest

compiled = pytest.importorskip("llmgate_native._native", exc_type=ImportError)


def test_names_are_taken_again() -> None:
    """The str of a name that came before; of names that would lie in one place each is itself, as is one that is not ASCII."""
    first, second = (next(iter(compiled.split_fields(b'{"temperature": %d}' % number, bytes))) for number in (1, 2))
    assert first is second
    long = "x" * 33
    names = [
        "abbc",
        "accc",
        "abbc",
        "äö",
        "",
        "c",
        "äö",
        "ab",
        long,
        "ab",
        long,
        *(str(number) for number in range(600)),
    ]
    for name in names * 2:
        assert list(compiled.split_fields(f'{{"{name}": 1}}'.encode(), bytes)) == [name]


def test_long_values_lie_in_the_body() -> None:
    """What makes a body long is not copied: such a value is a view of the body, and keeps it alive."""
    handed: list[bytes | memoryview] = []
    text = b'"%b"' % (b"word " * 300)
    body = b'{"a": [1, 2] ,"b":%b}' % text

    def note(value: bytes | memoryview) -> int:
        handed.append(value)
        return len(handed)

    assert compiled.split_fields(body, note) == {"a": 1, "b": 2}
    short, long = handed
    assert short == b"[1, 2]"
    assert isinstance(long, memoryview)
    assert long.obj is body
    assert long == text


def test_wrong_arguments() -> None:
    """What is no body is left to Python; what is no call is a TypeError; what the type raises is handed on."""
    for odd in (None, "{}", bytearray(b'{"a":1}'), memoryview(b'{"a":1}'), 5):
        assert compiled.split_fields(odd, msgspec.Raw) is None
    for arguments in ((), (b'{"a":1}',), (b'{"a":1}', msgspec.Raw, 1)):
        with pytest.raises(TypeError, match="arguments"):
            compiled.split_fields(*arguments)
    with pytest.raises(TypeError, match="not callable"):
        compiled.split_fields(b'{"a":1}', None)
    with pytest.raises(ZeroDivisionError):
        compiled.split_fields(b'{"a":1,"b":2}', lambda _view: 1 // 0)
