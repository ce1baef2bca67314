"""What may be tried again, how often, and until when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmgate_core import Next, Response, Retry, Target
from llmgate_core.testing import CloseWithoutReply, Raw, Received, Reply, Reset, ScriptedUpstream, Stall, Stream

SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
BUSY = Reply.of({"error": {"message": "busy", "code": "busy"}}, 503)
ASKED = b'{"model":"one/m","text":"hi"}'


async def test_rejected_may_be_repeated_as_often_as_a_plugin_wants(ask: Any, again: Any) -> None:
    """A complete error answer was not billed: only the plugin's policy bounds the tries."""
    asked = await ask(BUSY, BUSY, BUSY, BUSY, Reply.of(SAID), plugins=(again,))
    assert asked.answer.status == 200
    assert asked.results == ["rejected"] * 4 + ["ok"]


@pytest.mark.parametrize("fault", [CloseWithoutReply(), Reset(), Reply(200, b"{"), Reply(200, b"")])
async def test_ambiguous_is_repeated_once(ask: Any, again: Any, fault: Any) -> None:
    """What may have been billed is sent a second time at most, whatever a plugin says."""
    asked = await ask(fault, fault, fault, Reply.of(SAID), plugins=(again,))
    assert asked.answer.status == 502
    assert asked.results == ["ambiguous", "ambiguous"]
    assert asked.answer.headers["x-should-retry"] == "false"


async def test_ambiguous_goes_on_to_the_next_target_instead(ask: Any, again: Any) -> None:
    """When the same target may not be asked a third time, the plan goes on."""
    fault = CloseWithoutReply()
    asked = await ask(fault, fault, plugins=(again,), model="one/m+parrot/small")
    assert asked.answer.status == 200
    assert asked.results == ["ambiguous", "ambiguous", "ok"]


async def test_impure_is_never_repeated_in_the_dark(ask: Any, again: Any) -> None:
    """An operation with side effects is not sent again when nobody knows whether it ran."""
    asked = await ask(CloseWithoutReply(), Reply.of(SAID), plugins=(again,), path="/impure")
    assert asked.answer.status == 502
    assert asked.results == ["ambiguous"]


async def test_impure_is_repeated_after_a_refusal(ask: Any, again: Any) -> None:
    """… but after a complete error answer it may be."""
    asked = await ask(BUSY, Reply.of(SAID), plugins=(again,), path="/impure")
    assert asked.results == ["rejected", "ok"]


async def test_not_sent_is_always_retriable(serve: Any, listener: Any, plugin: Any) -> None:
    """What never reached a provider may be tried again at will."""
    tries: list[str] = []

    def policy(self: Any, exchange: Any, error: Any) -> Retry | None:
        tries.append(error.code)
        return Retry() if len(tries) < 4 else None

    port = listener.getsockname()[1]
    listener.close()
    gate = await serve(
        plugin(llmgate_on_error=policy), providers={"one": {"type": "toy", "base_url": f"http://127.0.0.1:{port}"}}
    )
    answer = await gate.post("/impure", ASKED)
    assert (answer.status, answer.error["code"]) == (502, "upstream_connect_error")
    assert gate.log.results == ["not_sent"] * 4
    assert tries == ["upstream_connect_error"] * 4


async def test_every_attempt_is_written_from_the_original(serve: Any, plugin: Any) -> None:
    """What a plugin adds to one attempt is not in the next one, nor in the request itself."""
    bodies: list[Any] = []

    def touch(self: Any, exchange: Any, request: Any) -> Any:
        return request.with_field("touch", [*request.value("touch", []), exchange.attempt.number])

    def respond(received: Received) -> Any:
        bodies.append(received.json)
        return BUSY if len(bodies) < 3 else Reply.of(SAID)

    again = plugin(llmgate_on_error=lambda self: Retry(), llmgate_transform_request=touch)
    async with ScriptedUpstream(respond=respond) as upstream:
        gate = await serve(again, providers={"one": {"type": "toy", "base_url": upstream.url}})
        await gate.post("/chat", ASKED)
    assert [body["touch"] for body in bodies] == [[1], [2], [3]]
    assert "touch" not in gate.log.exchanges[0].request.fields


async def test_same_request_gives_the_same_bytes(serve: Any, plugin: Any) -> None:
    """Tries of one request, and the same request again, are byte for byte the same to the provider."""
    again = plugin(llmgate_on_error=lambda self, exchange: Retry() if len(exchange.attempts) < 2 else None)
    async with ScriptedUpstream(respond=lambda _: BUSY) as upstream:
        gate = await serve(again, providers={"one": {"type": "toy", "base_url": upstream.url}})
        for path, body in (("/chat", ASKED), ("/say", b'{"model":"one/m","say":"hi"}')):
            upstream.requests.clear()
            await gate.post(path, body)
            await gate.post(path, body)
            assert len(upstream.requests) == 4
            assert len({request.body for request in upstream.requests}) == 1


async def test_a_plugin_may_answer_a_failed_attempt(ask: Any, plugin: Any) -> None:
    """``llmgate_on_error`` may return the answer itself."""
    answer = plugin(llmgate_on_error=lambda self: Response(200, b'{"from":"plugin"}'))
    asked = await ask(BUSY, plugins=(answer,))
    assert (asked.answer.status, asked.answer.json) == (200, {"from": "plugin"})
    assert (asked.results, asked.gate.log.outcomes) == (["rejected"], ["ok"])


async def test_back_off_beyond_the_deadline_is_not_begun(ask: Any, plugin: Any) -> None:
    """A wait that would end after the deadline is not waited: the error is answered at once."""
    later = plugin(llmgate_on_error=lambda self: Retry(after=3600))
    asked = await ask(BUSY, plugins=(later,), total_timeout=5)
    assert (asked.answer.status, asked.answer.error["code"]) == (503, "busy")
    assert asked.results == ["rejected"]


@pytest.mark.parametrize("stream", [False, True])
async def test_one_deadline_over_attempts_and_back_off(ask: Any, plugin: Any, *, stream: bool) -> None:
    """Attempts and waits share one deadline; when it passes the client gets a 504 that says not to retry."""
    policy = plugin(llmgate_on_error=lambda self: Retry(after=0.05))
    asked = await ask(*[BUSY] * 3, Stall(), plugins=(policy,), stream=stream, total_timeout=0.5)
    assert (asked.answer.status, asked.answer.error["code"]) == (504, "deadline_exceeded")
    assert asked.answer.headers["x-should-retry"] == "false"
    assert asked.results == ["rejected"] * 3 + ["ambiguous"]
    await asked.provider_left(3)


async def test_back_off_is_no_overhead(ask: Any, plugin: Any) -> None:
    """The wait before another try is time spent on the provider, not the gateway's own."""
    later = plugin(llmgate_on_error=lambda self: Retry(after=0.5))
    good = Reply.of({"id": "1", "model": "m", "text": "Hello", "finish": "stop"})
    asked = await ask(BUSY, good, plugins=(later,))
    (exchange,) = asked.gate.log.exchanges
    assert len(exchange.attempts) == 2
    assert exchange.waited >= 0.5


async def test_deadline_of_a_body_that_dribbles(ask: Any) -> None:
    """Pieces that each come in time do not make a whole answer late without end."""
    dribble = Stream(
        [piece for _ in range(200) for piece in (b" ", 0.05)], headers={"content-type": "application/json"}
    )
    asked = await ask(dribble, total_timeout=0.5)
    assert (asked.answer.status, asked.answer.error["code"]) == (504, "deadline_exceeded")
    await asked.provider_left()


async def test_deadline_in_a_hook(serve: Any, plugin: Any) -> None:
    """A plugin that waits too long ends at the same deadline."""
    import asyncio

    async def wait(self: Any) -> None:
        await asyncio.Event().wait()

    gate = await serve(plugin(llmgate_pre_request=wait), total_timeout=0.1)
    answer = await gate.post("/chat", b'{"model":"parrot/small","text":"x"}')
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert gate.log.outcomes == ["error"]


@pytest.mark.parametrize("stream", [False, True])
async def test_deadline_in_a_local_provider(serve: Any, toy: Any, *, stream: bool) -> None:
    """A provider in this process is held to the deadline, and its generator is closed."""
    import asyncio

    closed: list[bool] = []

    class Slow(toy.Parrot):  # type: ignore[misc]  # a module loaded by hand has no types
        type = "slow"

        async def answer(self, chat: Any) -> Any:
            try:
                await asyncio.Event().wait()
                yield
            finally:
                closed.append(True)

    from llmgate_core import Plugin

    class Offer(Plugin):
        def llmgate_register_providers(self, register: Any) -> None:
            register(Slow)

    gate = await serve(Offer, total_timeout=0.1)
    answer = await gate.post("/chat", json.dumps({"model": "slow/m", "text": "x", "stream": stream}).encode())
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert closed == [True]


async def test_first_byte_limit(ask: Any) -> None:
    """A provider that says nothing at all is given up after its own limit, not the whole deadline."""
    asked = await ask(Stall(), timeouts={"first_byte": 0.1})
    assert (asked.answer.status, asked.answer.error["code"]) == (504, "upstream_timeout")
    assert asked.results == ["ambiguous"]


async def test_body_that_stands_still(ask: Any) -> None:
    """A whole answer that stops in the middle is given up after the idle limit."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
    asked = await ask(Stall(head), timeouts={"idle": 0.1})
    assert (asked.answer.status, asked.answer.error["code"]) == (504, "upstream_timeout")


async def test_f17_keep_alive_race(ask: Any) -> None:
    """A provider that closes an idle connection just as it is used again gets the POST on a fresh one."""
    asked = await ask(Raw(good(), close=False), CloseWithoutReply(), Reply.of(SAID))
    answer = await asked.gate.post("/chat", ASKED)
    assert (answer.status, answer.json["text"]) == (200, "Hello")
    assert [request.connection for request in asked.upstream.requests] == [0, 0, 1]
    assert asked.results == ["ok", "ok"]


async def test_f17_only_once(ask: Any) -> None:
    """When the fresh connection ends the same way it is no race, but a fault."""
    asked = await ask(Raw(good(), close=False), CloseWithoutReply(), CloseWithoutReply(), Reply.of(SAID))
    answer = await asked.gate.post("/chat", ASKED)
    assert (answer.status, answer.error["code"]) == (502, "upstream_disconnected")
    assert len(asked.upstream.requests) == 3


async def test_f17_closed_while_idle(ask: Any) -> None:
    """A connection that the provider closed in the pool is not used."""
    asked = await ask(Reply(200, json.dumps(SAID).encode(), close=True), Reply.of(SAID))
    answer = await asked.gate.post("/chat", ASKED)
    assert answer.status == 200
    assert [request.connection for request in asked.upstream.requests] == [0, 1]


async def test_plan_ends_with_the_last_error(serve: Any, go_on: Any) -> None:
    """When every target failed the client sees the last one's error, and is told not to repeat what we did."""
    async with ScriptedUpstream(BUSY, Reply.of({"error": {"message": "last", "code": "last"}}, 500)) as upstream:
        one = {"type": "toy", "base_url": upstream.url}
        gate = await serve(go_on, providers={"one": one, "two": one})
        answer = await gate.post("/chat", b'{"model":"one/m+two/n","text":"hi"}')
    assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (502, "last", "false")
    assert [str(attempt.target) for attempt in gate.log.attempts] == ["one/m", "two/n"]
    assert [request.json["model"] for request in upstream.requests] == ["m", "n"]


async def test_losses_of_a_failed_attempt_are_not_reported(serve: Any, go_on: Any) -> None:
    """The header names what the answering target lost, not what an earlier one would have."""
    async with ScriptedUpstream(BUSY, Reply.of({**SAID, "say": "x"})) as upstream:
        url = upstream.url
        providers = {"one": {"type": "toy", "base_url": url}, "two": {"type": "odd", "base_url": url}}
        gate = await serve(go_on, providers=providers, unsupported="drop")
        answer = await gate.post("/say", b'{"model":"one/m+two/m","say":"hi","seed":1}')
    assert answer.status == 200
    assert "x-llmgate-dropped" not in answer.headers
    assert upstream.requests[1].json["seed"] == 1


async def test_unknown_provider_in_a_plan(serve: Any) -> None:
    """A target whose provider does not exist is a 404 that names it."""
    gate = await serve()
    answer = await gate.post("/chat", b'{"model":"nobody/m","text":"hi"}')
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert "'nobody'" in answer.error["message"]


def good() -> bytes:
    """A good answer's raw bytes, head included."""
    body = json.dumps(SAID).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def test_decisions_are_plain_values() -> None:
    """Decisions compare by value: plugins can be tested without a gateway."""
    assert (Retry(1.0), Next()) == (Retry(1.0), Next())
    assert Target.parse("a/b/c") == Target("a", "b/c")
