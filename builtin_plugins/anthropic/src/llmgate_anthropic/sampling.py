"""The numbers that shape an answer: which of another dialect's this API has, and which it must refuse."""

from __future__ import annotations

from typing import Any, Final

from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatRequest

from .checks import NAME
from .models import Capabilities
from .thinking import Plan

# Field: the values that ask for nothing.
_UNKNOWN: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("n", (None, 1)),
    ("seed", (None,)),
    ("logprobs", (None, False)),
    ("top_logprobs", (None, 0)),
    ("presence_penalty", (None, 0)),
    ("frequency_penalty", (None, 0)),
    ("logit_bias", (None,)),
)
_LEAST_TOP_P_THINKING: Final = 0.95
_NO_SAMPLING: Final = "this model takes no sampling parameters"


def write_sampling(body: dict[str, Any], chat: ChatRequest, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
    """Put what can be carried into ``body``, and report the rest."""
    sampling = chat.sampling
    for name, nothing in _UNKNOWN:
        value = getattr(sampling, name)
        if value not in nothing and value != {}:
            losses.add(name, f"has no counterpart in {NAME}")
    _write_temperature(body, sampling.temperature, able, thoughts, losses)
    _write_top_p(body, sampling.top_p, able, thoughts, losses)
    _write_top_k(body, sampling.top_k, able, thoughts, losses)
    stop = [text for text in sampling.stop if text.strip()]
    if any(text and not text.strip() for text in sampling.stop):
        losses.add("stop", "a stop sequence must hold more than white space")
    if stop:
        body["stop_sequences"] = stop


def _write_temperature(
    body: dict[str, Any], value: float | None, able: Capabilities, thoughts: Plan, losses: Losses
) -> None:
    if value is None:
        return
    if value == 1:  # the default: left out where it may not be given
        if able.sampling:
            body["temperature"] = value
    elif not able.sampling:
        losses.add("temperature", _NO_SAMPLING)
    elif value > 1:
        losses.add("temperature", "goes up to 1 here")
    elif thoughts.on:
        losses.add("temperature", "cannot be set while the model thinks")
    else:
        body["temperature"] = value


def _write_top_p(body: dict[str, Any], value: float | None, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
    if value is None or value == 1:
        return
    if not able.sampling:
        losses.add("top_p", _NO_SAMPLING)
    elif thoughts.on and value < _LEAST_TOP_P_THINKING:
        losses.add("top_p", "must be at least 0.95 while the model thinks")
    elif body.get("temperature", 1) != 1 and not able.temperature_and_top_p:
        losses.add("top_p", "cannot be set together with temperature for this model")
    else:
        body["top_p"] = value
        if not able.temperature_and_top_p:
            body.pop("temperature", None)


def _write_top_k(body: dict[str, Any], value: int | None, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
    if value is None:
        return
    if not able.sampling:
        losses.add("top_k", _NO_SAMPLING)
    elif thoughts.on:
        losses.add("top_k", "cannot be set while the model thinks")
    else:
        body["top_k"] = value
