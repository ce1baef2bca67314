"""Canonical → a request for a provider. The same value gives the same bytes, whatever process writes them."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

import msgspec

from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatRequest, OutputFormat, Reasoning
from llmgate_core.wirevalues import WireRequest

from .carry import Carry
from .fields import merge, plain
from .limits import NamedLimit
from .schema import is_strict, without_bad_patterns
from .tool_choice import write_tool_choice
from .tools import write_tool
from .words import NAME, max_tokens_field
from .write_messages import write_messages

MOST_STOPS: Final = 4
# Fields of other dialects whose loss changes what an answer costs, not what it says: caching happens here by itself,
# and a history that nobody prunes is only longer.
_HARMLESS: Final = frozenset({"cache_control", "context_management"})
_HARMLESS_REASONING: Final = frozenset({"display", "summary"})  # how thoughts are shown, not how much is thought
_TIERS: Final[Mapping[str, str]] = MappingProxyType(
    {**{word: word for word in ("auto", "default", "flex", "scale", "priority", "fast")}, "standard_only": "default"}
)
_NUMBERS: Final = (
    *("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty"),
    *("logit_bias", "logprobs", "top_logprobs", "n"),
)
_NO_NUMBERS: Final = (None,) * len(_NUMBERS)
_numbers: Final = attrgetter(*_NUMBERS)
_encode: Final = msgspec.json.Encoder(enc_hook=plain).encode


def write_request(chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
    """The request; its memo holds the renamed tools, None when there are none."""
    carry = Carry(chat.dialect, losses)
    body: dict[str, Any] = {"model": model, "messages": write_messages(chat.messages, carry)}
    if chat.tools or chat.tool_choice is not None or chat.parallel_tool_calls is not None:
        _tools(chat, body, carry)
    if chat.output is not None:
        body["response_format"] = _output(chat.output, carry)
    _sampling(chat, model, body, carry)
    if chat.reasoning is not None:
        _reasoning(chat.reasoning, body, carry)
    if chat.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    if chat.user is not None:
        body["user"] = carry.user(chat.user)
    if chat.metadata:
        body["metadata"] = chat.metadata
    if chat.service_tier is not None:
        _tier(chat.service_tier, body, carry)
    if chat.extra and carry.own:
        merge(body, chat.extra)
    elif chat.extra:
        carry.complete({}, "", {name: value for name, value in chat.extra.items() if name not in _HARMLESS})
    return WireRequest(_encode(body), EMPTY, carry.renames)


def _tools(chat: ChatRequest, body: dict[str, Any], carry: Carry) -> None:
    tools = [write_tool(tool, f"tools[{number}]", carry) for number, tool in enumerate(chat.tools)]
    known = [tool for tool in tools if tool is not None]
    if known:
        body["tools"] = known
    # Both of these are refused without tools, which other dialects do not mind.
    if chat.tool_choice is not None and (known or carry.own):
        body["tool_choice"] = write_tool_choice(chat.tool_choice, carry)
    if chat.parallel_tool_calls is not None and (known or carry.own):
        body["parallel_tool_calls"] = chat.parallel_tool_calls


def _output(output: OutputFormat, carry: Carry) -> dict[str, Any]:
    written: dict[str, Any] = {"type": output.kind}
    if output.kind == "json_schema":
        inner: dict[str, Any] = {"name": output.name or "output"}
        if output.description is not None:
            inner["description"] = output.description
        if output.schema is not None:
            inner["schema"] = output.schema if carry.own else without_bad_patterns(output.schema)
        strict = output.strict
        if strict is None and not carry.own and is_strict(output.schema):
            strict = True  # elsewhere a schema is always kept to; here only when asked, and when it has this form
        if strict is not None:
            inner["strict"] = strict
        written["json_schema"] = inner
    return carry.complete(written, "response_format", output.extra)


def _sampling(chat: ChatRequest, model: str, body: dict[str, Any], carry: Carry) -> None:
    sampling = chat.sampling
    if sampling.max_tokens is not None:
        if isinstance(sampling, NamedLimit):
            field: str = sampling.max_tokens_field
        else:
            field = "max_tokens" if carry.own else max_tokens_field(model)
        body[field] = sampling.max_tokens
    if sampling.stop:
        stop = list(sampling.stop)
        if not carry.own and len(stop) > MOST_STOPS:
            carry.losses.add("stop", f"{NAME} takes at most {MOST_STOPS} stop sequences, not {len(stop)}")
            stop = stop[:MOST_STOPS]
        body["stop"] = stop
    if sampling.top_k is not None:
        if carry.own:  # an extension of compatible servers, which the client knew it could use
            body["top_k"] = sampling.top_k
        else:
            carry.losses.add("top_k", f"{NAME} has no such field")
    numbers = _numbers(sampling)
    if numbers != _NO_NUMBERS:
        body.update({name: value for name, value in zip(_NUMBERS, numbers, strict=True) if value is not None})


def _reasoning(reasoning: Reasoning, body: dict[str, Any], carry: Carry) -> None:
    if carry.own:
        if reasoning.extra:
            effort = {} if reasoning.effort is None else {"effort": reasoning.effort}
            body["reasoning_effort"] = merge(effort, reasoning.extra)
            return
    else:
        foreign = {name: value for name, value in reasoning.extra.items() if name not in _HARMLESS_REASONING}
        carry.complete({}, "reasoning", foreign)
    effort_word = effort_of(reasoning)
    if effort_word is not None:
        body["reasoning_effort"] = effort_word


def effort_of(reasoning: Reasoning) -> str | None:
    """The one word this format has for how much to think; None leaves it to the model."""
    if reasoning.mode == "disabled":
        return "none"
    if reasoning.effort is not None:
        return reasoning.effort
    if reasoning.budget_tokens is None:
        return "medium" if reasoning.mode == "enabled" else None
    if reasoning.budget_tokens <= 2048:
        return "low"
    return "medium" if reasoning.budget_tokens <= 8192 else "high"


def _tier(tier: str, body: dict[str, Any], carry: Carry) -> None:
    if carry.own:
        body["service_tier"] = tier
    elif tier in _TIERS:
        body["service_tier"] = _TIERS[tier]
    else:
        carry.losses.add("service_tier", f"{NAME} has no tier {tier!r}")
