"""What many fields are set on for every request is set as the interpreter sets slots."""

from __future__ import annotations

import dis
import gc
from typing import Any

import msgspec
import pytest

from llmgate_core.exchange import Attempt, Exchange
from llmgate_core.structs import quickly_set
from llmgate_core.testing.exchanges import make_exchange
from llmgate_core.wire.lean_responder import LeanResponder
from llmgate_core.wire.lean_upstream import LeanReply


@quickly_set
class Pair(msgspec.Struct):
    """Two values."""

    left: Any
    right: int = 0


def set_right(pair: Pair, value: int) -> None:
    pair.right = value


def test_it_is_set_like_a_slot() -> None:
    """CPython's interpreter specialises it."""
    pair = Pair(object())
    for value in range(100):
        set_right(pair, value)
    assert pair.right == 99
    assert "STORE_ATTR_SLOT" in {step.opname for step in dis.get_instructions(set_right, adaptive=True)}


def test_it_is_a_struct_as_before() -> None:
    """Only what it has can be set or deleted, and it compares, copies and shows itself as any other."""
    pair = Pair([1], right=2)
    with pytest.raises(AttributeError, match="other"):
        pair.other = 1  # type: ignore[attr-defined]  # what is tested
    assert (pair, repr(pair)) == (Pair([1], 2), "Pair(left=[1], right=2)")
    del pair.right
    with pytest.raises(AttributeError, match="right"):
        _ = pair.right


@pytest.mark.parametrize("cls", [Exchange, Attempt, LeanReply, LeanResponder])
def test_what_is_set_for_every_request(cls: type[msgspec.Struct]) -> None:
    """These are."""
    assert cls.__setattr__ is object.__setattr__
    assert cls.__delattr__ is object.__delattr__


def test_the_collector_sees_an_exchange() -> None:
    """From the beginning: nothing that is put into it later has to tell the collector."""
    assert gc.is_tracked(make_exchange())
