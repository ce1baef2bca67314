"""The numbers that shape an answer: which of another dialect's this API has, and which it must refuse."""

from __future__ import annotations

from operator import attrgetter
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
_values: Final = attrgetter(*(name for name, _ in _UNKNOWN))
_NOTHING: Final = (None,) * len(_UNKNOWN)
_LEAST_TOP_P_THINKING: Final = 0.95
_NO_SAMPLING: Final = "this model takes no sampling parameters"


def write_sampling(body: dict[str, Any], chat: ChatRequest, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
    """Put what can be carried into ``body``, and report the rest."""
    sampling = chat.sampling
    values = _values(sampling)
    if values != _NOTHING:
        for (name, nothing), value in zip(_UNKNOWN, values, strict=True):
            if value not in nothing and value != {}:
                losses.add(name, f"has no counterpart in {NAME}")
    if sampling.temperature is not None:
        _write_temperature(body, sampling.temperature, able, thoughts, losses)
    if sampling.top_p is not None and sampling.top_p != 1:
        _write_top_p(body, sampling.top_p, able, thoughts, losses)
    if sampling.top_k is not None and sampling.top_k > 0:  # servers that know the field say 0 or -1 for every token
        _write_top_k(body, sampling.top_k, able, thoughts, losses)
    if sampling.stop:
        stop = [text for text in sampling.stop if text.strip()]
        if any(text and not text.strip() for text in sampling.stop):
            losses.add("stop", "a stop sequence must hold more than white space")
        if stop:
            body["stop_sequences"] = stop


def _write_temperature(body: dict[str, Any], value: float, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
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


def _write_top_p(body: dict[str, Any], value: float, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
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


def _write_top_k(body: dict[str, Any], value: int, able: Capabilities, thoughts: Plan, losses: Losses) -> None:
    if not able.sampling:
        losses.add("top_k", _NO_SAMPLING)
    elif thoughts.on:
        losses.add("top_k", "cannot be set while the model thinks")
    else:
        body["top_k"] = value
