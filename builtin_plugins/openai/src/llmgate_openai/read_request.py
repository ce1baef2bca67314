"""A client's request → canonical. What the canonical form has no word for stays in ``extra`` under its own name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from llmgate_core.decisions import EMPTY
from llmgate_core.errors import InvalidRequest
from llmgate_core.jsonfields import decode_whole
from llmgate_core.messages import ChatRequest, Message, OutputFormat, Reasoning, Sampling, Tool
from llmgate_core.request import Request

from .fields import Fields, client_fault, shown
from .limits import NamedLimit
from .read_messages import MessageReader
from .tool_choice import read_tool_choice
from .tools import read_function, read_tool
from .usual_request import read_usual
from .words import NAME

# Documented fields without a canonical word, and their types; any other field is carried without a look.
NATIVE_FIELDS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "audio": dict,
        "modalities": list,
        "moderation": dict,
        "prediction": dict,
        "prompt_cache_key": str,
        "prompt_cache_options": dict,
        "prompt_cache_retention": str,
        "safety_identifier": str,
        "store": bool,
        "verbosity": str,
        "web_search_options": dict,
    }
)
_TOLD: Final[Mapping[type, str]] = MappingProxyType(
    {dict: "an object", list: "an array", str: "a string", bool: "true or false"}
)


def read_request(request: Request) -> ChatRequest:
    """The whole request. Raises :class:`InvalidRequest` with the path of the field."""
    return read_usual(request) or read_any(request)


def read_any(request: Request) -> ChatRequest:
    """A request of any shape, field by field."""
    body = Fields(decode_whole(request.fields), "", client_fault)
    body.take("model")
    stream = body.boolean("stream") or False
    include_usage, stream_options = _stream_options(body)
    output, response_format = _output(body)
    return ChatRequest(
        request.model,
        _messages(body),
        _tools(body),
        read_tool_choice(body),
        body.boolean("parallel_tool_calls"),
        output,
        _sampling(body),
        _reasoning(body),
        stream,
        include_usage,
        body.string("user"),
        body.string("service_tier"),
        body.mapping("metadata") or EMPTY,
        NAME,
        _extra(body, stream_options=stream_options, response_format=response_format),
    )


def _messages(body: Fields) -> tuple[Message, ...]:
    reader = MessageReader(client_fault)
    messages = tuple(reader.read(message) for message in body.objects("messages"))
    if not messages:
        raise InvalidRequest(
            "messages must hold at least one message", code="missing_required_parameter", param="messages"
        )
    return messages


def _tools(body: Fields) -> tuple[Tool, ...]:
    """``tools``, else the older ``functions``, which are the same under another name."""
    whole = body.array("tools")
    if whole is None:
        return tuple(_function(function) for function in body.objects("functions"))
    return tuple(read_tool(body.child(f"tools[{number}]", tool), tool) for number, tool in enumerate(whole))


def _function(function: Fields) -> Tool:
    tool = read_function(function)
    extra = function.rest()
    return Tool(
        tool.name, tool.description, tool.parameters, tool.strict, extra={"function": extra} if extra else EMPTY
    )


def _sampling(body: Fields) -> Sampling:
    newer, older = body.count("max_completion_tokens"), body.count("max_tokens")
    stop = body.take("stop")
    values: dict[str, Any] = {
        "max_tokens": older if newer is None else newer,
        "temperature": body.number("temperature"),
        "top_p": body.number("top_p"),
        "top_k": body.integer("top_k"),
        "stop": _stop(body, stop),
        "seed": body.integer("seed"),
        "presence_penalty": body.number("presence_penalty"),
        "frequency_penalty": body.number("frequency_penalty"),
        "logit_bias": body.mapping("logit_bias"),
        "logprobs": body.boolean("logprobs"),
        "top_logprobs": body.count("top_logprobs"),
        "n": body.count("n"),
    }
    return Sampling(**values) if newer is None else NamedLimit(**values)


def _stop(body: Fields, stop: Any) -> tuple[str, ...]:
    if stop is None:
        return ()
    if type(stop) is str:
        return (stop,)
    if type(stop) is list and all(type(item) is str for item in stop):
        return tuple(stop)
    raise body.wrong("stop", "must be a string or an array of strings")


def _output(body: Fields) -> tuple[OutputFormat | None, Any]:
    """The output format; or, of a kind only some server knows, the field as it came."""
    whole = body.take("response_format")
    if whole is None:
        return None, None
    fields = body.child("response_format", whole)
    match fields.needed("type"):
        case "text":
            return OutputFormat("text", extra=fields.rest()), None
        case "json_object":
            return OutputFormat("json_object", extra=fields.rest()), None
        case "json_schema":
            inner = fields.inner("json_schema")
            output = OutputFormat(
                "json_schema",
                inner.mapping("schema"),
                inner.needed("name"),
                inner.string("description"),
                inner.boolean("strict"),
                fields.rest(json_schema=inner),
            )
            return output, None
        case _:
            return None, whole


def _reasoning(body: Fields) -> Reasoning | None:
    """``reasoning_effort``: a word, or (as some clients send it) an object with the word in it."""
    value = body.take("reasoning_effort")
    extra: Mapping[str, Any] = EMPTY
    if type(value) is dict:
        fields = body.child("reasoning_effort", value)
        value, extra = fields.string("effort"), fields.rest()
    if value is None:
        return Reasoning(extra=extra) if extra else None
    if type(value) is not str:
        raise body.wrong("reasoning_effort", f"must be a string, not {shown(value)}")
    return Reasoning("disabled" if value == "none" else None, value, extra=extra)


def _stream_options(body: Fields) -> tuple[bool, Mapping[str, Any]]:
    if not body.has("stream_options"):
        return False, EMPTY
    options = body.inner("stream_options")
    return options.boolean("include_usage") or False, options.rest()


def _extra(body: Fields, **native: Any) -> Mapping[str, Any]:
    extra = {**body.rest(), **{name: value for name, value in native.items() if value}}
    for name, kind in NATIVE_FIELDS.items():
        if name in extra and type(extra[name]) is not kind:
            raise body.wrong(name, f"must be {_TOLD[kind]}")
    return extra or EMPTY
