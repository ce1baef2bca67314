"""A client's request → canonical. Strict: a wrong type is an error that names the path.

A word that a newer API may have (a kind of thinking, of tool choice) is no error: it is kept under its native name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from llmgate_core.decisions import EMPTY
from llmgate_core.jsonfields import decode_whole
from llmgate_core.messages import (
    ChatRequest,
    Extra,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    Tool,
    ToolChoice,
)
from llmgate_core.request import Request

from .blocks import read_content
from .checks import (
    NAME,
    a_bool,
    a_count,
    a_list,
    a_number,
    a_string,
    an_object,
    missing,
    optional,
    required,
    rest,
    strings,
    wrong,
)
from .own_request import MessagesRequest, own_headers
from .usual_request import read_usual

_CANONICAL: Final = (
    *("model", "messages", "system", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "stream"),
    *("tools", "tool_choice", "thinking", "output_config", "metadata", "service_tier"),
)


def read_request(request: Request) -> ChatRequest:
    """Raises :class:`InvalidRequest` with ``param``. ``max_tokens`` must be there, but not to count tokens."""
    return read_usual(request) or read_any(request)


def read_any(request: Request) -> MessagesRequest:
    """A request of any shape, field by field."""
    data = decode_whole(request.fields)
    max_tokens = optional(data, "max_tokens", a_count)
    if max_tokens is None and request.operation == "chat":
        raise missing("max_tokens")
    metadata = optional(data, "metadata", an_object) or {}
    choice, parallel = _tool_choice(data)
    config = _output_config(data)
    extra = dict(rest(data, *_CANONICAL))
    if config.rest:
        extra["output_config"] = config.rest
    if choice is None and data.get("tool_choice") is not None:
        extra["tool_choice"] = data["tool_choice"]
    return MessagesRequest(
        model=request.model,
        messages=_messages(data),
        tools=tuple(_tool(tool, f"tools.{i}") for i, tool in enumerate(optional(data, "tools", a_list) or ())),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=config.format,
        sampling=Sampling(
            max_tokens=max_tokens,
            temperature=optional(data, "temperature", a_number),
            top_p=optional(data, "top_p", a_number),
            top_k=optional(data, "top_k", a_count),
            stop=optional(data, "stop_sequences", strings) or (),
        ),
        reasoning=_reasoning(data, config.effort),
        stream=request.stream,
        include_usage=True,
        user=optional(metadata, "user_id", a_string, "metadata"),
        service_tier=optional(data, "service_tier", a_string),
        metadata=rest(metadata, "user_id"),
        dialect=NAME,
        extra=extra or EMPTY,
        client_headers=own_headers(request.headers),
    )


def _messages(data: Mapping[str, Any]) -> tuple[Message, ...]:
    system: list[Message] = []
    if data.get("system") not in (None, "", []):
        content = read_content(data["system"], "system")
        system = [Message("system", content)]
    messages = required(data, "messages", a_list)
    if not messages:
        raise wrong("messages", "an array of at least one message")
    return (*system, *(_message(message, f"messages.{i}") for i, message in enumerate(messages)))


def _message(value: Any, path: str) -> Message:
    data = an_object(value, path)
    roles: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
    role = roles.get(required(data, "role", a_string, path))
    if role is None:
        raise wrong(f"{path}.role", "'user', 'assistant' or 'system'")
    if data.get("content") is None:
        raise missing(f"{path}.content")
    return Message(role, read_content(data["content"], f"{path}.content"), extra=rest(data, "role", "content"))


def _tool(value: Any, path: str) -> Tool:
    """``type: custom`` and no type are a function; every other type is a tool of the vendor's, kept whole."""
    data = an_object(value, path)
    kind = optional(data, "type", a_string, path) or "custom"
    if kind != "custom":
        return Tool(optional(data, "name", a_string, path) or kind, kind=kind, extra=data)
    return Tool(
        required(data, "name", a_string, path),
        optional(data, "description", a_string, path),
        required(data, "input_schema", an_object, path),
        optional(data, "strict", a_bool, path),
        cache_control=optional(data, "cache_control", an_object, path),
        extra=rest(data, "type", "name", "description", "input_schema", "strict", "cache_control"),
    )


def _tool_choice(data: Mapping[str, Any]) -> tuple[ToolChoice | None, bool | None]:
    choice = optional(data, "tool_choice", an_object)
    if choice is None:
        return None, None
    disabled = optional(choice, "disable_parallel_tool_use", a_bool, "tool_choice")
    parallel = None if disabled is None else not disabled
    extra = rest(choice, "type", "name", "disable_parallel_tool_use")
    kind = required(choice, "type", a_string, "tool_choice")
    if kind == "tool":
        return ToolChoice("tool", required(choice, "name", a_string, "tool_choice"), extra=extra), parallel
    if kind == "any":
        return ToolChoice("required", extra=extra), parallel
    if kind == "auto":
        return ToolChoice("auto", extra=extra), parallel
    if kind == "none":
        return ToolChoice("none", extra=extra), parallel
    return None, None


@frozen
class _OutputConfig:
    effort: str | None
    format: OutputFormat | None
    rest: Extra


def _output_config(data: Mapping[str, Any]) -> _OutputConfig:
    config = optional(data, "output_config", an_object) or {}
    effort = optional(config, "effort", a_string, "output_config")
    native = optional(config, "format", an_object, "output_config")
    if native is None or native.get("type") != "json_schema":
        return _OutputConfig(effort, None, rest(config, "effort"))
    left = rest(config, "effort", "format")
    schema = required(native, "schema", an_object, "output_config.format")
    return _OutputConfig(effort, OutputFormat("json_schema", schema, extra=rest(native, "type", "schema")), left)


def _reasoning(data: Mapping[str, Any], effort: str | None) -> Reasoning | None:
    thinking = optional(data, "thinking", an_object)
    if thinking is None:
        return None if effort is None else Reasoning(effort=effort)
    kind = required(thinking, "type", a_string, "thinking")
    extra = dict(rest(thinking, "type", "budget_tokens"))
    budget = optional(thinking, "budget_tokens", a_count, "thinking")
    if kind == "enabled":
        if budget is None:
            raise missing("thinking.budget_tokens")
        return Reasoning("enabled", effort, budget, extra)
    if kind == "adaptive":
        return Reasoning("adaptive", effort, budget, extra)
    if kind == "disabled":
        return Reasoning("disabled", effort, budget, extra)
    # between_tools: thinking is off, only the notes between tool calls come as thinking blocks
    return Reasoning("disabled" if kind == "between_tools" else None, effort, budget, {**extra, "type": kind})
