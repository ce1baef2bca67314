"""Faults of code in this process: a local provider's, a dialect's. The client always gets an end, the worker lives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmgate_core import Next, Plugin
from llmgate_core.errors import RateLimited
from llmgate_core.events import BlockDelta, BlockStart, Start
from llmgate_core.messages import Text
from llmgate_core.testing import ScriptedUpstream, Stream


def provider_that(toy: Any, act: Any) -> tuple[type[Plugin], type[Plugin]]:
    """A local provider that does this, after one word when the model is ``late``; and a plugin that always goes on."""

    async def answer(chat: Any) -> Any:
        if chat.model == "late":
            yield Start("1", "m")
            yield BlockStart(0, Text(""))
            yield BlockDelta(0, "text", "word ")
        act()
        yield Start("1", "m")

    class GoOn(Plugin):
        def llmgate_on_error(self, exchange: Any) -> Next:
            return Next()

    return toy.offering(answer), GoOn


def raising(error: BaseException) -> Any:
    """Raises this."""

    def act() -> None:
        raise error

    return act


ERRORS = [
    ValueError("canary"),
    ConnectionResetError("canary"),
    TimeoutError("canary"),
    OSError("canary"),
    KeyError("c"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_local_provider_that_fails(serve: Any, toy: Any, error: Exception, *, stream: bool) -> None:
    """Before the first event any error falls back like a provider's; alone it is a 502 that names the provider only."""
    gate = await serve(*provider_that(toy, raising(error)))
    alone = await gate.post("/chat", body("local/m", stream=stream))
    assert (alone.status, alone.error["code"]) == (502, "upstream_error")
    assert "'local'" in alone.error["message"]
    assert "canary" not in alone.error["message"]
    helped = await gate.post("/chat", body("local/m+parrot/small", stream=stream))
    assert helped.status == 200
    assert gate.log.results == ["ambiguous", "ambiguous", "ok"]
    assert gate.log.outcomes == ["error", "ok"]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_local_provider_that_fails_late(serve: Any, toy: Any, error: Exception) -> None:
    """After content it is one error event, whatever was raised."""
    gate = await serve(*provider_that(toy, raising(error)))
    answer = await gate.post("/chat", body("local/late+parrot/small", stream=True))
    assert {"text": "word "} in answer.frames
    assert answer.frames[-1]["error"]["code"] == "upstream_error"
    assert answer.complete
    assert gate.log.outcomes == ["partial"]
    assert gate.log.results == ["partial"]


async def test_local_provider_that_refuses(serve: Any, toy: Any) -> None:
    """A GatewayError of a local provider is its answer."""
    gate = await serve(*provider_that(toy, raising(RateLimited("slow down", retry_after=3))))
    answer = await gate.post("/chat", body("local/m"))
    assert (answer.status, answer.headers["retry-after"], answer.error["message"]) == (429, "3", "slow down")


async def test_local_provider_that_just_stops(serve: Any, toy: Any) -> None:
    """A stream that ends without its end is interrupted, not complete."""
    gate = await serve(*provider_that(toy, lambda: None))
    answer = await gate.post("/chat", body("local/late", stream=True))
    assert answer.frames[-1]["error"]["code"] == "upstream_stream_interrupted"
    assert (await gate.post("/chat", body("local/m"))).status == 502


async def test_local_provider_whose_generator_will_not_close(
    serve: Any, toy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An error on closing is logged; observers are told all the same."""

    async def sticky(_: Any) -> Any:
        try:
            yield Start("1", "m")
            yield BlockStart(0, Text(""))
            yield BlockDelta(0, "text", "word")
            raise RateLimited("enough")
        finally:
            raise RuntimeError("stuck")

    gate = await serve(toy.offering(sticky))
    answer = await gate.post("/chat", body("local/m", stream=True))
    assert answer.frames[-1]["error"]
    assert gate.log.outcomes == ["partial"]
    assert gate.gateway.active == 0


@pytest.mark.parametrize("path", ["/buggy/chat", "/chat"])
async def test_dialect_that_fails_in_mid_stream(serve: Any, toy: Any, path: str) -> None:
    """A bug in a codec after content is out: an error event, the provider is let go, the log has the reason."""

    class Watch(toy.Probe):  # type: ignore[misc]  # a module loaded by hand has no types
        def see(self, raw: bytes) -> Any:
            if b"bug" in raw:
                raise LookupError("canary")
            return super().see(raw)

    class Write(toy.Writer):  # type: ignore[misc]  # the same
        def write(self, event: Any) -> bytes:
            if isinstance(event, BlockDelta) and event.text == "bug":
                raise LookupError("canary")
            written: bytes = super().write(event)
            return written

    class Buggy(toy.ToyDialect):  # type: ignore[misc]  # the same
        name = "buggy.chat"
        prefix = "/buggy"

        def event_writer(self, request: Any) -> Any:
            return Write("text", usage=False)

        def probe(self, request: Any) -> Any:
            return Watch("text", usage=False)

    class Same(toy.ToyProvider):  # type: ignore[misc]  # the same
        type = "same"
        dialects = ("buggy.chat",)

    class Offer(Plugin):
        def llmgate_register_dialects(self, register: Any) -> None:
            register(Buggy())

        def llmgate_register_providers(self, register: Any) -> None:
            register(Same)

    pieces = [toy.frame(start="1", model="m"), toy.frame(text="good"), 0.1, toy.frame(text="bug")]
    async with ScriptedUpstream(Stream(pieces, ending="stall")) as upstream:
        kind = "same" if path == "/chat" else "toy"
        gate = await serve(Offer, providers={"one": {"type": kind, "base_url": upstream.url}})
        answer = await gate.post("/buggy/chat", body("one/m", stream=True))
    assert {"text": "good"} in answer.frames
    assert answer.frames[-1]["error"]["code"] == "internal_error"
    assert b"canary" not in answer.body
    assert answer.complete
    assert gate.log.outcomes == ["partial"]


def body(model: str, *, stream: bool = False) -> bytes:
    """A toy request."""
    return json.dumps({"model": model, "text": "hi", "stream": stream}).encode()
