"""A secret is never seen, wherever text is made of it."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from typing import Any

import attrs
import msgspec
import pytest

from llmgate_core import Key, Secret
from llmgate_core.provider import KeyConfig

VALUE = "sk-canary-4711"
SECRET = Secret(VALUE, "env X")


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r}",
        f"{SECRET!s:>30}",
        f"{SECRET:>30}",
        "{0} {0!r}".format(SECRET),  # noqa: UP032  # the old ways are what is tested
        "%s %r" % (SECRET, SECRET),  # noqa: UP031  # the same
        repr([SECRET, {"a": SECRET}]),
        repr(Key(SECRET, "name")),
        repr(KeyConfig(SECRET)),
        repr(attrs.asdict(Key(SECRET, "name"))),
        json.dumps({"key": SECRET}, default=str),
        repr(ValueError(SECRET)),
        str(ValueError(f"bad {SECRET}")),
    ],
)
def test_text_is_masked(shown: str) -> None:
    """Every way to make text of it gives a mask."""
    assert "canary" not in shown
    assert "********" in shown


def test_log_lines_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    """As an argument and in an exception of a log line, too."""
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("test").exception("key %s %r", SECRET, SECRET)
    assert "********" in caplog.text
    assert "canary" not in caplog.text


def test_traceback_is_masked() -> None:
    """Local variables in a traceback show the mask."""

    def fails(key: Secret) -> None:
        raise RuntimeError(f"refused {key}")

    with pytest.raises(RuntimeError) as caught:
        fails(SECRET)
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "key = Secret('********'" in text
    assert VALUE not in text


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode, pickle.dumps, copy.deepcopy])
def test_it_is_not_serialised(encode: Any) -> None:
    """Encoders refuse it: a file is a place where nobody looks for a key."""
    with pytest.raises(TypeError) as caught:
        encode({"key": SECRET})
    assert "canary" not in str(caught.value)


def test_it_has_no_dict() -> None:
    """Nothing that walks an object's attributes finds the value by accident."""
    assert not hasattr(SECRET, "__dict__")
    assert SECRET.reveal() == VALUE


def test_equality_and_fingerprint() -> None:
    """Equal values are equal wherever they came from; the fingerprint tells them apart without telling them."""
    same, other = Secret(VALUE, "file y"), Secret("other")
    assert (same == SECRET, hash(same) == hash(SECRET), same.fingerprint == SECRET.fingerprint) == (True, True, True)
    assert other != SECRET
    assert SECRET != VALUE
    assert len(SECRET.fingerprint) == 8
    assert len(SECRET.digest) == 32


def test_odd_characters() -> None:
    """Even a lone surrogate is no reason to fail."""
    assert Secret("\ud800").fingerprint
