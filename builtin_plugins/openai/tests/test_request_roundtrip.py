"""Decode∘encode keeps every field: requests as the official SDK's types allow them, and more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from builtin_plugins.openai.tests.conftest import Wire

Strategy = st.SearchStrategy[Any]
WORDS = st.text(max_size=6)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,8}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=3,
)
OBJECT = st.dictionaries(WORDS, JSON, max_size=2)
VENDOR = st.fixed_dictionaries({}, optional={"vendor_field": JSON.filter(lambda value: value is not None)})


def shape(required: dict[str, Strategy], optional: dict[str, Strategy] | None = None) -> Strategy:
    """An object with these fields, and now and then one that nobody knows."""
    both = st.tuples(st.fixed_dictionaries(required, optional=optional or {}), VENDOR)
    return both.map(lambda pair: {**pair[0], **pair[1]})


def tag(kind: str, inner: Strategy, optional: dict[str, Strategy] | None = None) -> Strategy:
    """``{"type": kind, kind: inner}``."""
    return shape({"type": st.just(kind), kind: inner}, optional)


MARKS: dict[str, Strategy] = {
    "cache_control": st.just({"type": "ephemeral"}),
    "prompt_cache_breakpoint": st.just({"mode": "explicit"}),
}
TEXT = shape({"type": st.just("text"), "text": WORDS}, MARKS)
URLS = st.sampled_from(["https://x/a.png", "data:image/png;base64,QUJD", "data:,x", "data:image/png;a=b;base64,QQ=="])
PART = st.one_of(
    TEXT,
    tag("image_url", shape({"url": URLS}, {"detail": st.sampled_from(["auto", "low", "high"])}), MARKS),
    tag("input_audio", shape({"data": WORDS, "format": st.sampled_from(["wav", "mp3"])}), MARKS),
    tag("file", shape({"file_id": WORDS}, {"filename": WORDS}), MARKS),
    tag(
        "file", shape({"file_data": st.sampled_from(["QUJD", "data:application/pdf;base64,QUJD"])}, {"filename": WORDS})
    ),
)


def plain(parts: Any) -> Any:
    """One text and nothing else is written as a string."""
    return parts[0]["text"] if len(parts) == 1 and set(parts[0]) == {"type", "text"} else parts


def content(part: Strategy) -> Strategy:
    """A string, or an array that could not be one."""
    return WORDS | st.lists(part, min_size=1, max_size=3).map(plain)


CALL = tag("function", shape({"name": NAMES, "arguments": WORDS})) | tag(
    "custom", shape({"name": NAMES, "input": WORDS})
)
THOUGHTS = st.lists(
    shape({"type": st.just("thinking"), "thinking": WORDS, "signature": WORDS.filter(bool)}, {"dialect": NAMES})
    | shape({"type": st.just("redacted_thinking"), "data": WORDS}),
    min_size=1,
    max_size=2,
)


def thought(message: dict[str, Any]) -> dict[str, Any]:
    """Signed thinking is repeated as plain text, which stands alone when nothing was signed."""
    blocks = message.get("thinking_blocks")
    if blocks is not None:
        text = "".join(block.get("thinking", "") for block in blocks)
        message.pop("reasoning_content", None)
        message.update({"reasoning_content": text} if text else {})
    return message


ASSISTANT = shape(
    {"role": st.just("assistant"), "content": content(TEXT)},
    {
        "name": NAMES,
        "refusal": WORDS,
        "audio": st.fixed_dictionaries({"id": WORDS}),
        "reasoning_content": WORDS.filter(bool),
        "thinking_blocks": THOUGHTS,
        "tool_calls": st.lists(
            st.tuples(CALL, NAMES).map(lambda pair: {"id": pair[1], **pair[0]}), min_size=1, max_size=2
        ),
    },
).map(thought)
MESSAGE = st.one_of(
    shape({"role": st.sampled_from(["system", "developer"]), "content": content(TEXT)}, {"name": NAMES}),
    shape({"role": st.just("user"), "content": content(PART)}, {"name": NAMES}),
    shape(
        {"role": st.just("tool"), "tool_call_id": NAMES, "content": content(TEXT)},
        {"cache_control": MARKS["cache_control"]},
    ),
    ASSISTANT,
)
FUNCTION = shape({"name": NAMES}, {"description": WORDS, "parameters": OBJECT, "strict": st.booleans()})
TOOL = tag("function", FUNCTION, {"cache_control": MARKS["cache_control"]}) | tag(
    "custom", shape({"name": NAMES}, {"description": WORDS, "format": st.just({"type": "text"})})
)
NAMED = tag("function", shape({"name": NAMES})) | tag("custom", shape({"name": NAMES}))
NUMBER = st.integers(-2, 2) | st.floats(-2, 2)
REQUEST = shape(
    {"model": NAMES, "messages": st.lists(MESSAGE, min_size=1, max_size=4)},
    {
        "tools": st.lists(TOOL, min_size=1, max_size=2),
        "tool_choice": st.sampled_from(["auto", "none", "required"]) | NAMED,
        "parallel_tool_calls": st.booleans(),
        "response_format": st.one_of(
            shape({"type": st.sampled_from(["text", "json_object"])}),
            tag("json_schema", shape({"name": NAMES}, {"description": WORDS, "schema": OBJECT, "strict": st.booleans()})),
        ),
        "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
        "temperature": NUMBER,
        "top_p": NUMBER,
        "presence_penalty": NUMBER,
        "frequency_penalty": NUMBER,
        "stop": st.lists(WORDS, min_size=1, max_size=4),
        "seed": st.integers(0, 9),
        "n": st.integers(1, 3),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 20),
        "logit_bias": st.dictionaries(st.from_regex(r"[0-9]{1,3}", fullmatch=True), st.integers(-100, 100), max_size=2),
        "user": WORDS,
        "service_tier": st.sampled_from(["auto", "flex"]),
        "metadata": st.dictionaries(WORDS, WORDS, min_size=1, max_size=2),
        "store": st.booleans(),
        "verbosity": st.sampled_from(["low", "high"]),
        "modalities": st.just(["text", "audio"]),
        "audio": st.just({"voice": "alloy", "format": "wav"}),
        "prediction": st.just({"type": "content", "content": "x"}),
        "prompt_cache_key": WORDS,
        "prompt_cache_options": st.just({"mode": "explicit", "ttl": "30m"}),
        "safety_identifier": WORDS,
        "web_search_options": st.just({"search_context_size": "low"}),
    },
)  # fmt: skip
LIMIT = st.fixed_dictionaries({}, optional={"max_tokens": st.integers(1, 9)}) | st.fixed_dictionaries(
    {}, optional={"max_completion_tokens": st.integers(1, 9)}
)


def kept(written: Any, sent: Any) -> None:
    """Written equals sent, at every level and in every type."""
    assert type(written) is type(sent)
    assert written == sent


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(body=REQUEST, limit=LIMIT, stream=st.booleans())
def test_every_field_of_a_request_is_kept(
    wire: Wire, check_request: Callable[[Any], None], body: dict[str, Any], limit: dict[str, Any], stream: bool
) -> None:
    """Read and written again, a request holds every field it held; what is written is what the SDK's types allow."""
    sent = {**body, **limit, **({"stream": True, "stream_options": {"include_usage": True}} if stream else {})}
    written = wire.write(wire.read(**sent), sent["model"])
    assert set(written) == set(sent)
    for name, value in sent.items():
        kept(written[name], value)
    check_request(written)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.tuples(st.sampled_from(["function", "custom"]), NAMES), max_size=3, unique_by=lambda pair: pair[1]
    )
)
def test_allowed_tools_are_kept(wire: Wire, names: list[tuple[str, str]]) -> None:
    """Any mixture of kinds comes back in order."""
    tools = [{"type": kind, kind: {"name": name}} for kind, name in names]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}
    assert wire.write(wire.read(tool_choice=choice))["tool_choice"] == choice
