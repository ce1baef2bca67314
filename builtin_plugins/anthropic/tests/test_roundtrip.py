"""decode∘encode keeps every field: whatever a client of this dialect sends or gets, canonical and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmgate_anthropic import AnthropicMessages
from llmgate_core.dialect import Losses
from llmgate_core.jsonfields import split_fields
from llmgate_core.request import Request
from llmgate_core.wirevalues import WireRequest

DIALECT = st.just(AnthropicMessages())
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
names = st.text("abcXYZ019_-", min_size=1, max_size=8)
counts = st.integers(0, 10**6)
leaves = st.none() | st.booleans() | counts | words
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    names,
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2), max_leaves=4
    ),
    max_size=3,
)
marks = st.fixed_dictionaries({"type": st.just("ephemeral")}, optional={"ttl": st.sampled_from(["5m", "1h"])})
new_fields = st.fixed_dictionaries({}, optional={"brand_new": objects})


def block(
    kind: str, needed: dict[str, Any], optional: dict[str, Any] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """A block of one type, with its optional fields, a cache mark and perhaps a field that no one knows yet."""
    given_type = {"type": st.just(kind), **needed}
    known = st.fixed_dictionaries(given_type, optional={"cache_control": marks, **(optional or {})})
    return st.builds(lambda one, two: {**one, **two}, known, new_fields)


def source(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Where a picture or document is."""
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


texts = block("text", {"text": words}, {"citations": st.lists(objects, max_size=2)})
image_sources = st.one_of(
    source("url", url=words),
    source("file", file_id=names),
    source("base64", media_type=st.sampled_from(["image/png", "image/webp"]), data=st.just("AAAA")),
    source("brand_new", x=leaves),
)
images = block("image", {"source": image_sources}, {"transformations": objects})
document_sources = st.one_of(
    source("url", url=words),
    source("file", file_id=names),
    source("text", media_type=st.just("text/plain"), data=words),
    source("base64", media_type=st.just("application/pdf"), data=st.just("AAAA")),
    source("content", content=words),
)
documents = block("document", {"source": document_sources}, {"title": words, "context": words, "citations": objects})
calls = block("tool_use", {"id": names, "name": names, "input": objects}, {"caller": objects, "toolset_name": words})
results = block(
    "tool_result",
    {"tool_use_id": names},
    {
        "content": words | st.lists(st.one_of(texts, images, documents), min_size=1, max_size=2),
        "is_error": st.booleans(),
    },
)
# a signed block; thinking carries no cache mark
thinking = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": st.text(max_size=5), "signature": names})
redacted = st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": words})
opaque = block("search_result", {"source": words, "title": words, "content": st.lists(texts, max_size=1)})
servers = block("server_tool_use", {"id": names, "name": st.just("web_search"), "input": objects})
user_blocks = st.lists(st.one_of(texts, images, documents, results, opaque), min_size=1, max_size=3)
assistant_blocks = st.lists(st.one_of(texts, thinking, redacted, calls, servers), min_size=1, max_size=4)


def message(role: str, blocks: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A message of words or blocks."""
    known = st.fixed_dictionaries({"role": st.just(role), "content": words | blocks})
    return st.builds(lambda one, two: {**one, **two}, known, new_fields)


later = st.one_of(
    message("user", user_blocks),
    message("assistant", assistant_blocks),
    message("system", st.lists(texts, min_size=1, max_size=2)),
)
tools = st.one_of(
    st.fixed_dictionaries(
        {"name": names, "input_schema": objects},
        optional={
            "description": words,
            "strict": st.booleans(),
            "cache_control": marks,
            "defer_loading": st.booleans(),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("bash_20250124"), "name": st.just("bash")}, optional={"cache_control": marks}
    ),
    st.fixed_dictionaries({"type": st.just("mcp_toolset"), "mcp_server_name": names}),
)
choices = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["auto", "any"])}, optional={"disable_parallel_tool_use": st.booleans()}
    ),
    st.fixed_dictionaries({"type": st.just("tool"), "name": names}),
    st.just({"type": "none"}),
    st.just({"type": "brand_new", "x": 1}),
)
thoughts = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("enabled"), "budget_tokens": st.integers(1024, 9999)}, optional={"display": st.just("omitted")}
    ),
    st.sampled_from(
        [{"type": "disabled"}, {"type": "adaptive"}, {"type": "between_tools"}, {"type": "brand_new", "x": 1}]
    ),
)
formats = st.fixed_dictionaries({"type": st.just("json_schema"), "schema": objects})
configs = st.fixed_dictionaries(
    {}, optional={"effort": st.sampled_from(["low", "max"]), "format": formats, "task_budget": st.just({"total": 5})}
).filter(bool)
bodies = st.fixed_dictionaries(
    {
        "model": names,
        "max_tokens": counts,
        "messages": st.builds(
            lambda one, more: [one, *more], message("user", user_blocks), st.lists(later, max_size=3)
        ),
    },
    optional={
        "system": words | st.lists(texts, min_size=1, max_size=2),
        "temperature": st.sampled_from([0, 0.5, 1.0]),
        "top_p": st.sampled_from([0.1, 1]),
        "top_k": counts,
        "stop_sequences": st.lists(words, min_size=1, max_size=5),
        "stream": st.booleans(),
        "tools": st.lists(tools, min_size=1, max_size=3),
        "tool_choice": choices,
        "thinking": thoughts,
        "output_config": configs,
        "metadata": st.fixed_dictionaries({"user_id": words}),
        "service_tier": st.sampled_from(["auto", "standard_only"]),
        "speed": st.just("fast"),
        "inference_geo": words,
        "container": names,
        "cache_control": marks,
        "diagnostics": st.just({"previous_message_id": None}),
        "context_management": objects,
        "mcp_servers": st.lists(objects, max_size=1),
        "brand_new": objects,
    },
)


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """The same request as it is written: a string of content is one block of text; a stream not wanted is not named."""

    def content(value: Any) -> Any:
        if isinstance(value, str):
            return [{"type": "text", "text": value}]
        return [
            {**one, "content": content(one["content"])} if one["type"] == "tool_result" and "content" in one else one
            for one in value
        ]

    out = {**body, "messages": [{**one, "content": content(one["content"])} for one in body["messages"]]}
    if "system" in out:
        out["system"] = content(out["system"])
    if not out.get("stream"):
        out.pop("stream", None)
    return out


@RELAXED
@given(DIALECT, bodies)
def test_a_request_keeps_every_field(dialect: AnthropicMessages, body: dict[str, Any]) -> None:
    """Known fields, unknown ones, and all that stands in blocks."""
    data = json.dumps(body).encode()
    request = Request(
        dialect, "chat", split_fields(data), model=body["model"], stream=body.get("stream", False), body=data
    )
    losses = Losses()
    wire = dialect.write_request(request.canonical, body["model"], losses)
    assert losses.fields == ()
    assert json.loads(wire.body) == normal(body)
    again = Request(
        dialect, "chat", split_fields(wire.body), model=body["model"], stream=body.get("stream", False), body=wire.body
    )
    assert again.canonical == request.canonical


usages = st.fixed_dictionaries(
    {
        "input_tokens": counts,
        "output_tokens": counts,
        "cache_read_input_tokens": counts,
        "cache_creation_input_tokens": counts,
    },
    optional={
        "cache_creation": st.fixed_dictionaries(
            {"ephemeral_5m_input_tokens": counts, "ephemeral_1h_input_tokens": counts}
        ),
        "output_tokens_details": st.fixed_dictionaries({"thinking_tokens": counts}),
        "service_tier": st.just("standard"),
        "server_tool_use": objects,
        "brand_new": words,
    },
)
answers = st.fixed_dictionaries(
    {
        "id": names,
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": names,
        "content": st.lists(st.one_of(texts, thinking, redacted, calls, servers), max_size=4),
        "stop_reason": st.sampled_from(
            ["end_turn", "max_tokens", "tool_use", "refusal", "pause_turn", "stop_sequence"]
        ),
        "stop_sequence": st.none() | words,
        "usage": usages,
    },
    optional={"stop_details": st.just({"type": "refusal", "category": None}), "container": objects, "brand_new": words},
)


@RELAXED
@given(DIALECT, answers)
def test_an_answer_keeps_every_field(dialect: AnthropicMessages, body: dict[str, Any]) -> None:
    """What the provider said, a client of this dialect hears."""
    response = dialect.read_response(json.dumps(body).encode(), WireRequest(b""))
    written = json.loads(dialect.write_response(response, None))  # type: ignore[arg-type]  # not looked at
    expected = dict(body)
    if body["stop_reason"] == "tool_use" and not any(one["type"] == "tool_use" for one in body["content"]):
        expected["stop_reason"] = written["stop_reason"]  # it called nothing: the answer just ended
    assert written == expected


def test_the_judge_of_requests_bites(judge_request: Callable[[Any], None]) -> None:
    """A field that the SDK does not know, and a wrong type, are found."""
    good: dict[str, Any] = {
        "model": "m",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
    }
    judge_request(good)
    for bad in (
        {**good, "seed": 1},
        {**good, "max_tokens": "x"},
        {**good, "messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        {**good, "messages": [{"role": "user", "content": [{"type": "text", "text": "a", "name": "b"}]}]},
    ):
        try:
            judge_request(bad)
        except (AssertionError, ValueError):
            continue
        raise AssertionError(f"not found: {bad}")
