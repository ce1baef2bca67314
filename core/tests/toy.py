"""A toy wire format with both faces, and providers that speak it: the core is tested with no plugin installed.

A request is ``{"model", "text", "stream"?, "usage"?}``; an answer ``{"id", "model", "text", "finish", "usage"}``. A stream
is server-sent events: ``{"start"}``, ``{"text"}`` …, ``{"finish"}``, ``{"usage"}``, ``[END]``, or ``{"error"}``.
The odd dialect is the same with other words, so that a translation is needed between the two.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from llmgate_core import (
    Dialect,
    HttpProvider,
    Key,
    LocalProvider,
    Losses,
    ModelInfo,
    Plugin,
    ProviderConfig,
    ProviderError,
    Request,
    Route,
    Summary,
    Target,
    Usage,
    WireRequest,
)
from llmgate_core.errors import GatewayError, InvalidRequest
from llmgate_core.events import BlockDelta, BlockStart, BlockStop, End, Event, Failure, Finish, Start
from llmgate_core.frames import FrameKind, parse_sse, write_sse
from llmgate_core.jsonfields import decode_whole
from llmgate_core.messages import ChatRequest, ChatResponse, Choice, Message, Text
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamBadResponse


def dump(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def frame(**value: Any) -> bytes:
    """One event of a toy stream."""
    return write_sse(dump(value))


END = write_sse(b"[END]")


class ToyDialect(Dialect):
    """``word`` is what the format calls the text."""

    name = "toy.chat"
    prefix = "/toy"
    word: ClassVar[str] = "text"
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/chat", "chat"),
        Route("POST", "/impure", "chat", pure=False),
        Route("POST", "/count", "count_tokens"),
        Route("POST", "/embed", "embed"),
        Route("GET", "/models", "models"),
        Route("GET", "/models/{model:path}", "model"),
    )
    end_marker = END
    reset_headers = ("x-reset-requests", "x-reset-tokens")
    relay_headers = ("x-toy", "x-toy-*")
    forward_headers = ("toy-beta",)

    def recognises(self, headers: Mapping[str, str]) -> bool:
        return headers.get("x-dialect") == self.name

    def read_request(self, request: Request) -> ChatRequest:
        fields = decode_whole(request.fields)
        text = fields.pop(self.word, None)
        if not isinstance(text, str):
            raise InvalidRequest(f"the field {self.word!r} must be a string", param=self.word)
        rest = {name: value for name, value in fields.items() if name not in {"model", "stream", "usage"}}
        return ChatRequest(
            request.model,
            (Message("user", (Text(text),)),),
            stream=request.stream,
            include_usage=bool(fields.get("usage")),
            dialect=self.name,
            extra=rest,
        )

    def write_response(self, response: ChatResponse, request: Request) -> bytes:
        choice = response.choices[0]
        usage = response.usage or Usage()
        return dump(
            {
                "id": response.id,
                "model": response.model,
                self.word: "".join(block.text for block in choice.message.content if isinstance(block, Text)),
                "finish": choice.finish_reason,
                "usage": {"in": usage.input_tokens, "out": usage.output_tokens},
            }
        )

    def event_writer(self, request: Request) -> Writer:
        return Writer(self.word, usage=bool(request.value("usage")))

    def write_error(self, error: GatewayError, request_id: str) -> bytes:
        told = {"message": error.message, "kind": error.kind, "code": error.code, "param": error.param}
        return dump({"error": {**told, "id": request_id, "dialect": self.name}})

    def write_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        return write_sse(self.write_error(error, request_id))

    def write_models(self, models: Sequence[ModelInfo]) -> bytes:
        return dump([model.id for model in models])

    def write_model(self, model: ModelInfo) -> bytes:
        return dump({"id": model.id})

    def write_token_count(self, tokens: int) -> bytes:
        return dump({"tokens": tokens})

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        return {"chat": "/chat", "count_tokens": "/count", "embed": "/embed"}.get(operation)

    def write_request(self, chat: ChatRequest, model: str, losses: Losses) -> WireRequest:
        for name in chat.extra if chat.dialect != self.name else ():
            losses.add(name, f"{self.name} has no such field")
        kept = chat.extra if chat.dialect == self.name else {}
        text = "".join(block.text for block in chat.messages[0].content if isinstance(block, Text))
        return WireRequest(dump({"model": model, self.word: text, "stream": chat.stream, "usage": True, **kept}))

    def read_response(self, body: bytes, wire: WireRequest) -> ChatResponse:
        said = self._answer(body)
        message = Message("assistant", (Text(said[self.word]),))
        return ChatResponse(
            said["id"], said["model"], (Choice(message, said["finish"]),), usage(said), dialect=self.name
        )

    def event_reader(self, wire: WireRequest) -> Reader:
        return Reader(self.word)

    def probe(self, request: Request) -> Probe:
        return Probe(self.word, usage=bool(request.value("usage")))

    def summarise(self, body: bytes) -> Summary:
        said = self._answer(body)
        return Summary(usage(said), said["finish"], said["model"])

    def _answer(self, body: bytes) -> dict[str, Any]:
        try:
            said = json.loads(body)
            if {"id", "model", self.word, "finish"} <= said.keys():
                return dict(said)
        except (ValueError, AttributeError):
            pass  # told below, for every wrong shape alike
        raise UpstreamBadResponse("the provider's answer is no toy answer")

    def read_error(self, status: int, body: bytes) -> ProviderError:
        try:
            error = json.loads(body)["error"]
            return ProviderError(error["message"], code=error.get("code"), verbatim=True)
        except (ValueError, KeyError, TypeError):
            return ProviderError(f"the provider answered {status}")


class OddDialect(ToyDialect):
    """The same in other words; shares the path ``/models`` with the toy dialect."""

    name = "odd.chat"
    prefix = "/odd"
    word = "say"
    routes = (Route("POST", "/say", "chat"), Route("POST", "/size", "count_tokens"), Route("GET", "/models", "models"))

    def write_models(self, models: Sequence[ModelInfo]) -> bytes:
        return dump({"odd": [model.id for model in models]})


def usage(said: Mapping[str, Any]) -> Usage | None:
    """The counts in an answer or in a frame."""
    told = said.get("usage")
    return Usage(told["in"], told["out"]) if told else None


def refused(told: Mapping[str, Any]) -> GatewayError:
    """The error in a frame."""
    return reject(told.get("status", 500), ProviderError(told["message"]), provider="toy")


def payload(raw: bytes) -> dict[str, Any] | str | None:
    """A frame's JSON object, ``[END]``, or None for a comment."""
    event = parse_sse(raw)
    if event is None:
        return None
    if event.data == b"[END]":
        return "[END]"
    try:
        said = json.loads(event.data)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise UpstreamBadResponse("the provider sent a frame that is no JSON object")
    return said


class Writer:
    """Events → toy frames."""

    def __init__(self, word: str, *, usage: bool) -> None:
        self._word = word
        self._usage = usage

    def write(self, event: Event) -> bytes:
        if isinstance(event, Start):
            return frame(start=event.id, model=event.model)
        if isinstance(event, BlockDelta):
            return frame(**{self._word: event.text})
        if not isinstance(event, End):
            return b""
        told = event.usage or Usage()
        counts = frame(usage={"in": told.input_tokens, "out": told.output_tokens}) if self._usage else b""
        return frame(finish=event.finishes[0].reason) + counts + END


class Reader:
    """Toy frames → events."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._open = self._done = False
        self._finish: Finish | None = None
        self._usage: Usage | None = None

    def read(self, raw: bytes) -> Iterable[Event]:
        said = payload(raw)
        if said == "[END]":
            yield from self.close()
        if not isinstance(said, dict):
            return
        if "start" in said:
            yield Start(said["start"], said["model"])
        elif "error" in said:
            self._done = True
            yield Failure(refused(said["error"]))
        elif self._word in said:
            if not self._open:
                self._open = True
                yield BlockStart(0, Text(""))
            yield BlockDelta(0, "text", said[self._word])
        elif "finish" in said:
            self._finish = Finish(said["finish"])
        elif "usage" in said:
            self._usage = usage(said)

    def close(self) -> Iterable[Event]:
        if self._done:
            return
        self._done = True
        if self._open:
            yield BlockStop(0)
        if self._finish is None:
            yield Failure(StreamInterrupted("the stream broke off"))
        else:
            yield End((self._finish,), self._usage)


class Probe:
    """Watches toy frames go by."""

    def __init__(self, word: str, *, usage: bool) -> None:
        self.summary = Summary()
        self.error: GatewayError | None = None
        self.complete = False
        self._word = word
        self._usage = usage

    def see(self, raw: bytes) -> FrameKind:
        said = payload(raw)
        if said is None:
            return FrameKind.IDLE
        if not isinstance(said, dict):
            self.complete = True
            return FrameKind.LAST
        if "error" in said:
            self.error = refused(said["error"])
            return FrameKind.ERROR
        if "usage" in said:
            self.summary.usage = usage(said)
            return FrameKind.LIFECYCLE if self._usage else FrameKind.DROP
        if "finish" in said:
            self.complete = True
            self.summary.finish_reason = said["finish"]
        return FrameKind.CONTENT if self._word in said or "tool" in said else FrameKind.LIFECYCLE


class ToyProvider(HttpProvider):
    """Speaks the toy dialect over HTTP."""

    type = "toy"
    dialects = ("toy.chat",)

    def authorise(self, key: Key) -> Mapping[str, str]:
        return {"authorization": f"Bearer {key.secret.reveal()}"}


class OddProvider(ToyProvider):
    """Speaks the odd dialect over HTTP."""

    type = "odd"
    dialects = ("odd.chat",)


class Parrot(LocalProvider):
    """Says the text back, word by word."""

    type = "parrot"
    always_on = True
    known_models = ("small", "large")
    config_class = ProviderConfig

    async def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
        (block,) = chat.messages[0].content
        yield Start("local", chat.model)
        yield BlockStart(0, Text(""))
        words = block.text.split() if isinstance(block, Text) else []
        for word in words:
            yield BlockDelta(0, "text", f"{word} ")
        yield BlockStop(0)
        yield End((Finish("stop"),), Usage(len(words), len(words)))


def offering(say: Callable[[ChatRequest], AsyncIterator[Event]]) -> type[Plugin]:
    """A plugin with a provider ``local`` in this process, whose answers are these events."""

    class Local(LocalProvider):
        type = "local"
        always_on = True

        def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
            return say(chat)

    class Offer(Plugin):
        def llmgate_register_providers(self, register: Callable[[Any], None]) -> None:
            register(Local)

    return Offer


class ToyPlugin(Plugin):
    """Offers all of the above."""

    def llmgate_register_providers(self, register: Callable[[Any], None]) -> None:
        for provider in (ToyProvider, OddProvider, Parrot):
            register(provider)

    def llmgate_register_dialects(self, register: Callable[[Any], None]) -> None:
        register(ToyDialect())
        register(OddDialect())


class Planner(Plugin):
    """Reads the plan off the model's name: ``one/m+two/m`` is two targets in order; a name without a slash is unknown."""

    def llmgate_select_provider(self, exchange: Any) -> tuple[Target, ...] | None:
        if "/" not in exchange.model:
            return None
        return tuple(Target.parse(part) for part in exchange.model.split("+"))
