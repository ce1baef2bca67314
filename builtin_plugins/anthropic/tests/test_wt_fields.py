"""Translation cases: limits, sampling, callers, and fields that must not leak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from llmgate_core.dialect import Losses
from llmgate_core.errors import UnsupportedField
from llmgate_core.messages import ChatRequest, Message, OutputFormat, Sampling, Text

USER = Message("user", (Text("u"),))
BASE = ChatRequest("m", (USER,), sampling=Sampling(max_tokens=100), dialect="openai.chat")


def sampled(**fields: Any) -> ChatRequest:
    """A request with these numbers."""
    return evolve(BASE, sampling=Sampling(**fields))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-haiku-latest", 8192),
        ("claude-opus-4-1", 32_000),
        ("claude-sonnet-4-5", 64_000),
        ("claude-opus-5-5", 128_000),
    ],
)
def test_wt_032_max_tokens_is_the_model_s_own_when_not_given(
    write: Callable[..., Any], model: str, expected: int
) -> None:
    """The API wants a number; the model's most is what "no limit" means."""
    assert write(sampled(), model).body["max_tokens"] == expected


def test_wt_032_a_given_limit_is_kept(write: Callable[..., Any]) -> None:
    """Whatever its name was."""
    assert write(sampled(max_tokens=7)).body["max_tokens"] == 7


@pytest.mark.parametrize(
    ("stop", "expected", "lost"),
    [
        (("a",), ["a"], ()),
        (("a", "b", "c", "d", "e"), ["a", "b", "c", "d", "e"], ()),
        ((), None, ()),
        (("",), None, ()),
        (("\n\n",), None, ("stop",)),
        (("\n", "END"), ["END"], ("stop",)),
    ],
)
def test_wt_033_stop(write: Callable[..., Any], stop: tuple[str, ...], expected: Any, lost: tuple[str, ...]) -> None:
    """A list of any length; white space alone is a loss; an empty list is never sent."""
    written = write(sampled(max_tokens=5, stop=stop))
    assert written.body.get("stop_sequences") == expected
    assert written.lost == lost


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("seed", 0),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("presence_penalty", 0.5),
        ("frequency_penalty", -0.5),
        ("logit_bias", {"50256": -100}),
    ],
)
def test_wt_035_what_the_api_has_not_is_named(write: Callable[..., Any], name: str, value: Any) -> None:
    """Never silent: the core refuses it, or drops it and says so."""
    written = write(sampled(max_tokens=5, **{name: value}))
    assert written.lost == (name,)
    assert name not in written.body


def test_wt_035_values_that_ask_for_nothing_are_no_loss(write: Callable[..., Any]) -> None:
    """Defaults that clients spell out."""
    quiet = sampled(max_tokens=5, n=1, logprobs=False, presence_penalty=0, frequency_penalty=0.0, logit_bias={})
    extra: dict[str, Any] = {
        "store": False,
        "modalities": ["text"],
        "verbosity": "medium",
        "prompt_cache_key": "k",
        "tools": None,
    }
    output = OutputFormat("text")
    assert write(evolve(quiet, extra=extra, metadata={"a": "b"}, output=output, service_tier="auto")).lost == ()


def test_wt_035_all_losses_are_told_at_once(dialect: Any) -> None:
    """One answer names every field."""
    losses = Losses()
    dialect.write_request(sampled(max_tokens=5, n=2, seed=1), "claude-sonnet-4-5", losses)
    with pytest.raises(UnsupportedField, match=r"seed.*") as caught:
        losses.refuse()
    assert "n:" in caught.value.message
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("model", "fields", "sent", "lost"),
    [
        ("claude-sonnet-4-5", {"temperature": 0.2}, {"temperature": 0.2}, ()),
        ("claude-sonnet-4-5", {"temperature": 1.5}, {}, ("temperature",)),
        ("claude-sonnet-4-5", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}, ("top_p",)),
        ("claude-sonnet-4-5", {"temperature": 1, "top_p": 0.9}, {"top_p": 0.9}, ()),
        ("claude-sonnet-4-0", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}, ()),
        ("claude-sonnet-4-5", {"top_k": 5}, {"top_k": 5}, ()),
        ("claude-sonnet-4-5", {"top_k": 0}, {}, ()),
        ("claude-opus-4-7", {"top_k": -1}, {}, ()),
        ("claude-opus-5", {"temperature": 1, "top_p": 1.0}, {}, ()),
        ("claude-opus-5", {"temperature": 0.2}, {}, ("temperature",)),
        ("claude-opus-4-7", {"top_p": 0.5, "top_k": 5}, {}, ("top_p", "top_k")),
    ],
)
def test_sampling_by_generation(
    write: Callable[..., Any], model: str, fields: dict[str, Any], sent: dict[str, Any], lost: tuple[str, ...]
) -> None:
    """Newer models take no sampling parameters; 4.1 to 4.6 take temperature or top_p."""
    written = write(sampled(max_tokens=5, **fields), model)
    assert {name: written.body[name] for name in ("temperature", "top_p", "top_k") if name in written.body} == sent
    assert written.lost == lost


@pytest.mark.parametrize("user", ["user-17", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
def test_wt_046_user_becomes_user_id(write: Callable[..., Any], user: str) -> None:
    """Nothing else stands in ``metadata``."""
    assert write(evolve(BASE, user=user, metadata={"trace": "x"})).body["metadata"] == {"user_id": user}


@pytest.mark.parametrize("user", ["ann@example.com", "+49 30 1234567", "(030) 123-4567", "x" * 300])
def test_wt_046_a_person_s_address_is_never_sent(write: Callable[..., Any], user: str) -> None:
    """The API refuses it; its hash is as stable, and says nothing."""
    sent = write(evolve(BASE, user=user)).body["metadata"]["user_id"]
    assert user not in sent
    assert len(sent) == 64
    assert write(evolve(BASE, user=user)).body["metadata"]["user_id"] == sent


@pytest.mark.parametrize("name", ["provider_specific_fields", "cache", "guardrails", "fallbacks", "store"])
def test_wt_051_foreign_fields_never_reach_the_wire(write: Callable[..., Any], name: str) -> None:
    """They are reported; what is written holds only what the SDK knows (the fixture checks it)."""
    written = write(evolve(BASE, extra={name: {"x": 1}}))
    assert written.lost == (name,)
    assert name not in written.body


def test_wt_051_what_an_answer_carried_may_come_back(write: Callable[..., Any]) -> None:
    """Clients send whole assistant messages back: fields of an answer are no wish, and are left out."""
    extra: dict[str, Any] = {
        "provider_specific_fields": {"a": 1},
        "annotations": [{}],
        "reasoning_content": "hm",
        "refusal": None,
    }
    answer = Message("assistant", (Text("a", extra={"annotations": [1]}),), extra=extra)
    assert write(evolve(BASE, messages=(USER, answer, USER))).lost == ()
    strange = Message("user", (Text("a", extra={"x": 1}),), extra={"y": 1})
    assert write(evolve(BASE, messages=(strange,))).lost == ("messages[0].y", "messages[0].x")


@pytest.mark.parametrize(
    ("tier", "sent", "lost"),
    [("auto", "auto", ()), ("default", "standard_only", ()), ("flex", None, ("service_tier",)), (None, None, ())],
)
def test_wt_052_service_tier(write: Callable[..., Any], tier: str | None, sent: str | None, lost: Any) -> None:
    """The two tiers that both have are mapped."""
    written = write(evolve(BASE, service_tier=tier))
    assert written.body.get("service_tier") == sent
    assert written.lost == lost


def test_wt_323_the_same_request_gives_the_same_bytes(write: Callable[..., Any]) -> None:
    """Twice written, twice the same."""
    chat = evolve(BASE, sampling=Sampling(temperature=0.5), user="u", stream=True)
    assert write(chat).wire.body == write(chat).wire.body
    assert write(chat).body["stream"] is True
