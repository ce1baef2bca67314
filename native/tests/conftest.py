"""A body, split by the twin in C and by Python: they must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from llmgate_core import jsonfields
from llmgate_core.errors import InvalidRequest

Fields = list[tuple[str, bytes]]


@pytest.fixture(scope="module")
def agree() -> Iterator[Callable[[bytes], Fields | None]]:
    """What the twin makes of a body, having asked Python too: the twin may refuse more, and never say anything else."""
    compiled = pytest.importorskip("llmgate_native._native", exc_type=ImportError)

    def both(body: bytes) -> Fields | None:
        split = compiled.split_fields(body, msgspec.Raw)
        found = None if split is None else [(name, bytes(raw)) for name, raw in split.items()]
        try:
            expected: Fields | None = [(name, bytes(raw)) for name, raw in jsonfields.split_fields(body).items()]
        except InvalidRequest:
            expected = None
        assert found is None or found == expected, body
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonfields, "native", None)  # or the twin would be compared with itself
        yield both
