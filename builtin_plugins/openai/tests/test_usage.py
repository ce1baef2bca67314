"""Token counts: what is believed, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.usage import Usage
from llmgate_openai.usage import count, read_usage, write_usage


@pytest.mark.parametrize("value", [-1, 1e30, 10**12, "12", None, True, 1.5, [1], {}, float("inf"), float("nan")])
def test_hostile_count_says_nothing(value: Any) -> None:
    """A number that cannot be a count is as if not given: nobody is credited, nobody overcharged."""
    assert count(value) is None
    assert read_usage({"prompt_tokens": value, "completion_tokens": 3}) == Usage(None, 3)


@pytest.mark.parametrize("value", [None, {}, [], "x", 3, {"prompt_tokens": None}])
def test_no_usage(value: Any) -> None:
    """What tells nothing is None, so that an estimate can take its place."""
    assert read_usage(value) is None


def test_wt_320_zero_stays_zero() -> None:
    """A zero that the provider said is an answer."""
    assert read_usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}) == Usage(0, 0)


def test_wt_005_details() -> None:
    """The prompt includes what was cached; a part is never larger than its whole."""
    usage = read_usage(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {
                "cached_tokens": 99,
                "cache_write_tokens": 2,
                "audio_tokens": 1,
                "text_tokens": 9,
            },
            "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 1, "accepted_prediction_tokens": 1},
        }
    )
    assert usage == Usage(
        10,
        5,
        cache_read_tokens=10,
        cache_write_tokens=2,
        reasoning_tokens=3,
        audio_input_tokens=1,
        audio_output_tokens=1,
        extra={
            "prompt_tokens_details": {"text_tokens": 9},
            "completion_tokens_details": {"accepted_prediction_tokens": 1},
        },
    )


def test_wt_005_reasoning_beside_the_completion() -> None:
    """Some servers count reasoning outside the completion and inside the total: it is output all the same."""
    native = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 22,
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    usage = read_usage(native)
    assert usage is not None
    assert (usage.output_tokens, usage.total_tokens) == (12, 22)
    assert write_usage(usage, own=True) == native


def test_foreign_extras_are_not_written() -> None:
    """Another dialect's names mean nothing here."""
    assert write_usage(Usage(1, 2, extra={"iterations": []}), own=False) == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(
            ["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens"]
        ),
        inner,
    ),
)


@given(JSON)
def test_any_usage_is_borne(value: Any) -> None:
    """Whatever stands there, counts are plausible or missing, and they can be written."""
    usage = read_usage(value)
    if usage is not None:
        for tokens in (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens):
            assert tokens is None or 0 <= tokens <= 2 * 10**9
        assert write_usage(usage, own=False)["total_tokens"] >= 0
