"""Canonical → the request to a provider. A request of this dialect comes out as it came in; another's is translated."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from attrs import frozen

from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Losses
from llmgate_core.messages import ChatRequest, Message
from llmgate_core.renames import Renames
from llmgate_core.wirevalues import WireRequest

from .checks import NAME
from .formats import own_format, shape
from .headers import DEFAULT_VERSION, VERSION_HEADER, written_headers
from .models import Capabilities
from .own_request import MessagesRequest
from .pairs import pair
from .sampling import write_sampling
from .thinking import NO_PLAN, own_plan, plan
from .tools import own_choice, tools_of_history, write_choice, write_own_tool, write_tools
from .turns import MINIMAL, Turn, arrange, unverifiable
from .usual_turns import usual_turns
from .write_blocks import BlockWriter

# Fields of other dialects that ask for nothing (with this value) or are hints that do not change the answer.
_NO_EFFECT: Final[Mapping[str, Any]] = MappingProxyType(
    {"store": False, "modalities": ["text"], "verbosity": "medium", "background": False}
)
_HINTS: Final = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier", "stream_options"})
_PERSON: Final = re.compile(r"[^@\s]+@[^@\s]+|\+?[\d\s().-]{7,}")
_LONGEST_USER: Final = 256
_encode: Final = msgspec.json.Encoder().encode


@frozen
class Memo:
    """What is needed to read the answer: the renamed tools, and the tool that was made for a structured answer."""

    names: Renames
    answer_tool: str | None = None

    @classmethod
    def plain(cls) -> Memo:
        """Of a request in which nothing was renamed."""
        return cls(Renames())


def write_request(chat: ChatRequest, model: str, losses: Losses, *, able: Capabilities, repair: bool) -> WireRequest:
    """Raises :class:`InvalidRequest` for a conversation that the API would refuse. ``able`` is what the model accepts."""
    own = chat.dialect == NAME
    usual = None if own or isinstance(chat, MessagesRequest) else _usual_body(chat, model, able, losses)
    if usual is not None:
        return WireRequest(_encode(usual), {VERSION_HEADER: DEFAULT_VERSION})
    names, ids = Renames("A-Za-z0-9_-", 128), Renames("A-Za-z0-9_-", 128)
    writer = BlockWriter(names, ids, losses, own)
    answer_tool = None
    if own:
        body = _own_body(chat, model, able, writer)
    else:
        body, answer_tool = _foreign_body(chat, model, able, writer, repair=repair)
    if chat.stream:
        body["stream"] = True
    client = chat.client_headers if isinstance(chat, MessagesRequest) else EMPTY
    return WireRequest(_encode(body), written_headers(body, client), Memo(names, answer_tool))


def _usual_body(chat: ChatRequest, model: str, able: Capabilities, losses: Losses) -> dict[str, Any] | None:
    """Another dialect's request of text alone: nothing to be renamed, no flag to be set. None for any other."""
    if chat.tools or chat.tool_choice is not None or chat.output is not None or chat.reasoning is not None:
        return None
    written = usual_turns(chat.messages)
    if written is None:
        return None
    body = _start(model, chat, able)
    system, turns = written
    if system:
        body["system"] = system
    body["messages"] = turns
    write_sampling(body, chat, able, NO_PLAN, losses)
    _write_caller(body, chat, losses)
    _report_extra(chat, losses)
    if chat.stream:
        body["stream"] = True
    return body


def _own_body(chat: ChatRequest, model: str, able: Capabilities, writer: BlockWriter) -> dict[str, Any]:
    front: list[Message] = []
    messages = list(chat.messages)
    while messages and messages[0].role in ("system", "developer"):
        front.append(messages.pop(0))
    body = _start(model, chat, able)
    system = [part for message in front for part in writer.write(message.content, "system")]
    if system:
        body["system"] = system
    body["messages"] = [written for message in messages if (written := _own_message(message, writer))["content"]]
    if chat.tools:
        body["tools"] = [write_own_tool(tool) for tool in chat.tools]
    thoughts = own_plan(chat.reasoning)
    _put(body, tool_choice=own_choice(chat.tool_choice, chat.parallel_tool_calls), thinking=thoughts.thinking)
    config = {**chat.extra.get("output_config", {}), **_config(thoughts.effort, own_format(chat.output))}
    sampling = chat.sampling
    _put(body, output_config=config or None, temperature=sampling.temperature, top_p=sampling.top_p)
    _put(body, top_k=sampling.top_k, stop_sequences=list(sampling.stop) or None)
    metadata = {**({} if chat.user is None else {"user_id": chat.user}), **chat.metadata}
    _put(body, metadata=metadata or None, service_tier=chat.service_tier)
    return {**body, **{name: value for name, value in chat.extra.items() if name != "output_config"}}


def _own_message(message: Message, writer: BlockWriter) -> dict[str, Any]:
    role = {"tool": "user", "developer": "system"}.get(message.role, message.role)
    blocks = [block for block in message.content if not unverifiable(block)]
    return {"role": role, "content": writer.write(blocks, "messages"), **message.extra}


def _foreign_body(
    chat: ChatRequest, model: str, able: Capabilities, writer: BlockWriter, *, repair: bool
) -> tuple[dict[str, Any], str | None]:
    losses = writer.losses
    front, turns = arrange(chat.messages, able, losses)
    turns = pair(turns, repair=repair)
    body = _start(model, chat, able)
    tools = write_tools(chat, able, writer.names, losses)
    thoughts = plan(chat.reasoning, able, body["max_tokens"], turns, losses)
    wanted = shape(chat, able, tools, losses, thinks=thoughts.on)
    system = writer.write(front, "messages")
    if wanted.instruction:
        system.append({"type": "text", "text": wanted.instruction})
    _put(body, system=system or None, messages=[_turn(turn, writer) for turn in turns])
    choice = write_choice(chat, tools, able, writer.names, thinks=thoughts.on, losses=losses)
    offered = [*tools, wanted.tool] if wanted.tool else tools
    if not offered and (offered := tools_of_history(turns, writer.names)):
        choice = {"type": "none"}
    choice = wanted.tool_choice(choice, len(tools), free=thoughts.on)
    _put(body, tools=offered or None, tool_choice=choice, thinking=thoughts.thinking)
    _put(body, output_config=_config(thoughts.effort, wanted.native) or None)
    write_sampling(body, chat, able, thoughts, losses)
    _write_caller(body, chat, losses)
    _report_extra(chat, losses)
    return body, wanted.tool["name"] if wanted.tool else None


def _turn(turn: Turn, writer: BlockWriter) -> dict[str, Any]:
    content = writer.write(turn.blocks, turn.path)
    return {"role": turn.role, "content": content or [{"type": "text", "text": MINIMAL}]}


def _start(model: str, chat: ChatRequest, able: Capabilities) -> dict[str, Any]:
    most = chat.sampling.max_tokens
    return {"model": model, "max_tokens": able.max_output if most is None else most}


def _config(effort: str | None, native: dict[str, Any] | None) -> dict[str, Any]:
    config: dict[str, Any] = {}
    _put(config, effort=effort, format=native)
    return config


def _put(body: dict[str, Any], **fields: Any) -> None:
    body.update({name: value for name, value in fields.items() if value is not None})


def _write_caller(body: dict[str, Any], chat: ChatRequest, losses: Losses) -> None:
    """The end user's id, but never a person's name: the API refuses e-mail addresses and phone numbers."""
    user = chat.user or chat.extra.get("safety_identifier")
    if isinstance(user, str) and user:
        if _PERSON.fullmatch(user) or len(user) > _LONGEST_USER:
            user = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
        body["metadata"] = {"user_id": user}
    if chat.service_tier in ("auto", "default"):
        body["service_tier"] = "auto" if chat.service_tier == "auto" else "standard_only"
    elif chat.service_tier is not None:
        losses.add("service_tier", "may be 'auto' or 'default' here")


def _report_extra(chat: ChatRequest, losses: Losses) -> None:
    for name, value in chat.extra.items():
        if name not in _HINTS and value not in (None, {}, []) and value != _NO_EFFECT.get(name):
            losses.add(name, f"has no counterpart in {NAME}")
