"""What the answer must look like: natively, by a tool made for it, or by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from attrs import frozen

from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatRequest, OutputFormat

from .models import Capabilities
from .schemas import constrained, input_schema

_ANSWER_TOOL: Final = "give_answer"
_ANSWER_TEXT: Final = "Call this tool once, with the final answer, instead of writing it as text."
_JSON_TEXT: Final = "Answer with one valid JSON object and nothing else: no other text, no code fence."


@frozen
class Shape:
    """``native`` goes into ``output_config.format``, ``tool`` among the tools, ``instruction`` behind the system text."""

    native: dict[str, Any] | None = None
    tool: dict[str, Any] | None = None
    instruction: str | None = None

    def tool_choice(self, native: dict[str, Any] | None, tools: int, *, free: bool) -> dict[str, Any] | None:
        """The choice with the answer's tool in play: it alone, or any when there are other tools; ``free``: no force."""
        if self.tool is None or free:
            return native
        if tools == 0 or (native is not None and native["type"] == "none"):
            return {"type": "tool", "name": self.tool["name"]}
        return {**(native or {}), "type": "any"}


def own_format(output: OutputFormat | None) -> dict[str, Any] | None:
    """The format of a request of this dialect."""
    if output is None or output.kind != "json_schema":
        return None
    return {"type": "json_schema", "schema": dict(output.schema or {}), **output.extra}


def shape(
    chat: ChatRequest, able: Capabilities, tools: Sequence[Mapping[str, Any]], losses: Losses, *, thinks: bool
) -> Shape:
    """Another dialect's format. ``tools`` are the real ones, as they were written."""
    output, choice = chat.output, chat.tool_choice
    if output is None or output.kind == "text":
        return Shape()
    if output.kind == "json_object" or output.schema is None:
        return Shape(instruction=_JSON_TEXT)
    if able.structured:
        return Shape(native={"type": "json_schema", "schema": constrained(output.schema, "response_format")})
    if choice is not None and (choice.mode in ("required", "tool") or (choice.mode == "allowed" and choice.required)):
        return Shape()  # the answer will be a tool call, and no text that could have a form
    if choice is not None and choice.mode == "none" and tools and thinks:
        schema = msgspec.json.encode(output.schema).decode()  # a model that thinks cannot be made to call one tool only
        return Shape(instruction=f"{_JSON_TEXT} It must fit this JSON Schema: {schema}")
    if output.schema.get("type", "object") != "object":
        losses.add("response_format", "this model can be held to a schema of an object only")
        return Shape()
    name = _ANSWER_TOOL
    taken = {tool["name"] for tool in tools}
    while name in taken:
        name += "_"
    description = f"{_ANSWER_TEXT} {output.description}" if output.description else _ANSWER_TEXT
    return Shape(tool={"name": name, "description": description, "input_schema": input_schema(output.schema)})
