"""Plugins in a served gateway: what they may do, and what their failures look like to a client."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import attrs
import pytest

from llmgate_core import EndpointResponse, Response, Target
from llmgate_core.config import make_config
from llmgate_core.errors import PermissionDenied
from llmgate_core.events import BlockDelta
from llmgate_core.messages import ChatResponse, Choice, Message, Text
from llmgate_core.startup import build_gateway
from llmgate_core.testing import Reply, ScriptedUpstream, Stream
from llmgate_core.usage import Usage

ASKED = b'{"model":"parrot/small","text":"hi there"}'
STREAMED = b'{"model":"parrot/small","text":"hi there","stream":true}'
SAID = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
CLOSED = ["pre_request", "select_provider", "transform_request", "transform_response"]


def raises(error: BaseException) -> Any:
    """A hook that raises."""

    def hook(self: Any) -> None:
        raise error

    return hook


@pytest.mark.parametrize("error", [ValueError("canary"), SystemExit(2), KeyboardInterrupt()])
@pytest.mark.parametrize("hook", CLOSED)
async def test_b85_b86_raise_fails_closed(
    serve: Any, plugin: Any, hook: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets a 500 that names plugin, hook and cure; the log has the traceback; the worker lives."""
    gate = await serve(plugin(**{f"llmgate_{hook}": raises(error)}))
    answer = await gate.post("/chat", ASKED)
    assert (answer.status, answer.error["code"]) == (500, "plugin_error")
    told = f"plugin 'a' failed in llmgate_{hook}: {type(error).__name__}; see the gateway's log, or switch it off with"
    assert answer.error["message"].startswith(told)
    assert "Traceback" not in answer.body.decode()
    assert "canary" not in answer.body.decode()
    assert gate.log.outcomes == ["error"]
    assert gate.gateway.active == 0
    assert f"llmgate_{hook}" in caplog.text


@pytest.mark.parametrize("hook", ["transform_event", "on_error", "select_key"])
async def test_b85_raise_in_other_phases(serve: Any, plugin: Any, toy: Any, hook: str) -> None:
    """The same where the hook needs a stream, a failure or a key."""
    fault = Reply.of({"error": {"message": "busy"}}, 503) if hook == "on_error" else Stream([toy.frame(text="x")])
    async with ScriptedUpstream(fault) as upstream:
        one = {"type": "toy", "base_url": upstream.url, "keys": ["sk-1"]}
        gate = await serve(plugin(**{f"llmgate_{hook}": raises(ValueError("canary"))}), providers={"one": one})
        answer = await gate.post("/chat", b'{"model":"one/m","text":"x","stream":true}')
    assert (answer.status, answer.error["code"]) == (500, "plugin_error")
    assert f"llmgate_{hook}" in answer.error["message"]


async def test_b85_raise_in_mid_stream(serve: Any, plugin: Any) -> None:
    """After content is out a plugin's failure is one terminal event, never a silent end."""

    def second_word(self: Any, event: Any) -> None:
        if isinstance(event, BlockDelta) and event.text.startswith("there"):
            raise ValueError("canary")

    gate = await serve(plugin(llmgate_transform_event=second_word))
    answer = await gate.post("/chat", STREAMED)
    assert answer.frames[-1]["error"]["code"] == "plugin_error"
    assert {"text": "hi "} in answer.frames
    assert gate.log.outcomes == ["partial"]


async def test_b85_observers_do_not_disturb(serve: Any, plugin: Any) -> None:
    """A failing observer is counted; the request never notices, nor do other observers."""
    broken = plugin(llmgate_post_response=raises(ValueError("x")), llmgate_attempt_done=raises(SystemExit(1)))
    gate = await serve(broken)
    answer = await gate.post("/chat", ASKED)
    assert answer.status == 200
    assert gate.log.outcomes == ["ok"]
    assert gate.gateway.hook_errors == {("a", "llmgate_post_response"): 1, ("a", "llmgate_attempt_done"): 1}


@pytest.mark.parametrize(("hook", "value"), [("pre_request", "x"), ("select_provider", [1]), ("transform_request", 5)])
async def test_b91_wrong_type(serve: Any, plugin: Any, hook: str, value: Any) -> None:
    """A wrong type is a plugin's failure, with what came and what was due."""
    gate = await serve(plugin(**{f"llmgate_{hook}": lambda self: value}))
    answer = await gate.post("/chat", ASKED)
    assert (answer.status, answer.error["code"]) == (500, "plugin_error")
    assert f"it returned a {type(value).__name__}, not None or" in answer.error["message"]


async def test_b82_fault_inside_is_generic(serve: Any, toy: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a dialect is a 500 with the request's id; its text and traceback stay in the log, even at debug level."""
    caplog.set_level(logging.DEBUG)

    class Buggy(toy.ToyDialect):  # type: ignore[misc]  # a module loaded by hand has no types
        name = "buggy.chat"
        prefix = "/buggy"

        def read_request(self, request: Any) -> Any:
            raise LookupError("canary")

    from llmgate_core import Plugin

    class Offer(Plugin):
        def llmgate_register_dialects(self, register: Any) -> None:
            register(Buggy())

    gate = await serve(Offer)
    answer = await gate.post("/buggy/chat", ASKED)
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert "canary" not in answer.body.decode()
    assert answer.headers["x-request-id"] in answer.error["message"]
    assert "canary" in caplog.text


async def test_b81_odd_text_in_a_log_line(serve: Any, plugin: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Line ends and terminal codes that a client sends stay escaped in what the core logs."""
    gate = await serve()
    await gate.post("/chat", json.dumps({"model": 'x\n{"level":"error"}\x1b[31m', "text": "a"}).encode())
    assert "\x1b" not in caplog.text
    assert '\n{"level"' not in caplog.text


async def test_refusal_of_a_plugin(serve: Any, plugin: Any) -> None:
    """A GatewayError is the plugin's answer: status, code and headers as it says."""
    no = PermissionDenied("not you", code="blocked", headers={"x-why": "because"}, retry_after=1.2)
    gate = await serve(plugin(llmgate_pre_request=raises(no)))
    answer = await gate.post("/chat", ASKED)
    assert (answer.status, answer.error["code"], answer.error["message"]) == (403, "blocked", "not you")
    assert (answer.headers["x-why"], answer.headers["retry-after"]) == ("because", "2")


@pytest.mark.parametrize(("path", "word"), [("/chat", "text"), ("/say", "say")])
@pytest.mark.parametrize("stream", [False, True])
async def test_answer_of_a_plugin(serve: Any, plugin: Any, path: str, word: str, *, stream: bool) -> None:
    """A canonical answer is written in the client's dialect, as a stream when one was asked for."""
    canonical = ChatResponse("c1", "cache", (Choice(Message("assistant", (Text("known"),)), "stop"),), Usage(1, 1))
    gate = await serve(plugin(llmgate_pre_request=lambda self: Response.of(canonical, headers={"x-cache": "hit"})))
    answer = await gate.post(path, json.dumps({"model": "any", word: "x", "stream": stream}).encode())
    assert (answer.status, answer.headers["x-cache"]) == (200, "hit")
    assert {word: "known"} in answer.frames if stream else answer.json[word] == "known"
    assert gate.log.attempts == []
    assert gate.log.outcomes == ["ok"]


async def test_raw_answer_of_a_plugin(serve: Any, plugin: Any) -> None:
    """Bytes go out as they are, with their status and type."""
    teapot = Response(418, b"short", headers={"content-type": "text/plain"})
    gate = await serve(plugin(llmgate_pre_request=lambda self: teapot))
    answer = await gate.post("/chat", ASKED)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (418, b"short", "text/plain")
    assert gate.log.outcomes == ["error"]


@pytest.mark.parametrize("stream", [False, True])
async def test_changed_answers(serve: Any, plugin: Any, *, stream: bool) -> None:
    """A plugin written against the canonical form works whole and streamed."""

    def response(self: Any, response: Any) -> Any:
        chat = response.canonical
        message = Message("assistant", (Text(chat.choices[0].message.content[0].text.upper()),))
        return response.with_canonical(attrs.evolve(chat, choices=(attrs.evolve(chat.choices[0], message=message),)))

    def event(self: Any, event: Any) -> Any:
        return attrs.evolve(event, text=event.text.upper()) if isinstance(event, BlockDelta) else None

    shout = plugin(llmgate_transform_response=response, llmgate_transform_event=event)
    async with ScriptedUpstream(Reply.of(SAID)) as upstream:
        gate = await serve(shout, providers={"one": {"type": "toy", "base_url": upstream.url}})
        answer = await gate.post("/chat", json.dumps({"model": "one/m", "text": "x", "stream": stream}).encode())
    assert {"text": "HELLO"} in answer.frames if stream else answer.json["text"] == "HELLO"


async def test_changed_request_is_written_anew(serve: Any, plugin: Any) -> None:
    """A canonical change reaches a provider of the same dialect as well, and keeps what the client's dialect knows."""

    def polite(self: Any, request: Any) -> Any:
        chat = request.canonical
        return request.with_canonical(attrs.evolve(chat, messages=(Message("user", (Text("please"),)),)))

    async with ScriptedUpstream(Reply.of(SAID)) as upstream:
        one = {"type": "toy", "base_url": upstream.url}
        gate = await serve(plugin(llmgate_transform_request=polite), providers={"one": one})
        answer = await gate.post("/chat", b'{"model":"one/m","text":"x","seed":7}')
    assert answer.json["text"] == "Hello"
    assert (upstream.requests[0].json["text"], upstream.requests[0].json["seed"]) == ("please", 7)


async def test_plan_is_handed_on(serve: Any, plugin: Any) -> None:
    """Plugins that select see the plan of those before them, and replace it."""
    seen: list[Any] = []

    def append(self: Any, targets: Any) -> Any:
        seen.append(targets)
        return (*targets, Target("parrot", "large"))

    gate = await serve(plugin(llmgate_select_provider=append))
    await gate.post("/chat", ASKED)
    assert seen == [(Target("parrot", "small"),)]
    assert gate.log.exchanges[0].plan == (Target("parrot", "small"), Target("parrot", "large"))


async def test_no_plugin_at_all(served: Any, toy: Any) -> None:
    """With no plugin the gateway starts, and says 404 in the shape most clients read."""
    gate = served.Served(toy, (), {}, {}, lean=True)
    gate.gateway = build_gateway(make_config({}), found=[], environ={})
    gate.server = type(gate.server)(gate.gateway)
    await gate.start()
    answer = await gate.post("/v1/anything", ASKED)
    assert (answer.status, answer.error["code"]) == (404, "unknown_route")
    await gate.stop()


async def test_nobody_selects(serve: Any) -> None:
    """Without a plan the answer names the model and the plugins that are active."""
    gate = await serve()
    answer = await gate.post("/chat", b'{"model":"x","text":"hi"}')
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "model_not_found", "model")
    assert answer.error["message"] == (
        "no plugin selected a provider for model 'x' (active plugins: toy, planner, recorder); "
        "ask for 'provider/model', or for a name in the list of models"
    )


async def test_lists_of_models(serve: Any, plugin: Any) -> None:
    """Aliases and the providers' models are listed in the dialect of the path or, shared, of the header."""
    providers = {"one": {"type": "toy", "base_url": "http://x", "models": ["a/b", "c"]}}
    gate = await serve(plugin(model_names=lambda self: ("fast",)), providers=providers)
    models = ["fast", "one/a/b", "one/c", "parrot/small", "parrot/large"]
    assert (await gate.get("/models")).json == models
    assert (await gate.get("/odd/models")).json == {"odd": models}
    assert (await gate.get("/models", {"x-dialect": "odd.chat"})).json == {"odd": models}
    assert (await gate.get("/models/one/a/b")).json == {"id": "one/a/b"}
    assert (await gate.get("/models/one%2Fc")).json == {"id": "one/c"}
    missing = await gate.get("/models/one/nothing")
    assert (missing.status, missing.error["code"]) == (404, "model_not_found")


async def test_token_count(serve: Any) -> None:
    """A provider of the same dialect counts; for any other the gateway estimates, and says so."""
    async with ScriptedUpstream(Reply.of({"tokens": 7})) as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url}})
        same = await gate.post("/count", b'{"model":"one/m","text":"x"}')
        other = await gate.post("/size", b'{"model":"one/m","say":"x"}')
        local = await gate.post("/count", ASKED)
    assert same.json == {"tokens": 7}
    assert upstream.requests[0].path == "/count"
    assert other.headers["x-llmgate-estimated"] == "true"
    assert (other.json["tokens"] > 0, local.status) == (True, 200)
    assert len(upstream.requests) == 1


async def test_other_operations(serve: Any) -> None:
    """An operation the core does not know is relayed to a provider of the dialect, and refused for any other."""
    async with ScriptedUpstream(Reply(200, b'{"vector":[1.50]}')) as upstream:
        url = upstream.url
        gate = await serve(providers={"one": {"type": "toy", "base_url": url}, "two": {"type": "odd", "base_url": url}})
        same = await gate.post("/embed", b'{"model":"one/m","text":"x"}')
        other = await gate.post("/embed", b'{"model":"two/m","text":"x"}')
    assert (same.body, upstream.requests[0].path) == (b'{"vector":[1.50]}', "/embed")
    assert (other.status, other.error["code"]) == (404, "unsupported_operation")


async def test_endpoints(serve: Any, plugin: Any) -> None:
    """A plugin's endpoint gets head, decoded parts of the path and the body; a failure is a generic 500."""

    async def hello(request: Any) -> EndpointResponse:
        if request.params["name"] == "bad":
            raise ValueError("canary")
        told = {"name": request.params["name"], "query": request.head.query, "body": request.body.decode()}
        return EndpointResponse(json.dumps(told).encode(), 201, "application/x-hello", {"x-a": "b"})

    def routes(self: Any, router: Any) -> None:
        router.add("POST", "/hello/{name}", hello)

    gate = await serve(plugin(llmgate_register_routes=routes))
    answer = await gate.post("/hello/a%20b?x=1", b"any")
    assert (answer.status, answer.headers["content-type"], answer.headers["x-a"]) == (201, "application/x-hello", "b")
    assert answer.json == {"name": "a b", "query": "x=1", "body": "any"}
    assert answer.headers["server"] == "llmgate"
    bad = await gate.post("/hello/bad", b"")
    assert bad.status == 500
    assert b"canary" not in bad.body
    assert (await gate.get("/hello/x")).status == 405
    assert (await gate.post("/hello/x/y", b"")).status == 404


async def test_hooks_may_be_async(serve: Any, plugin: Any) -> None:
    """Every hook of the way may be async."""
    seen: list[str] = []

    def hook(name: str) -> Any:
        async def run(self: Any) -> None:
            await asyncio.sleep(0)
            seen.append(name)

        return run

    names = [*CLOSED, "attempt_done", "post_response"]
    gate = await serve(plugin(**{f"llmgate_{name}": hook(name) for name in names}))
    assert (await gate.post("/chat", ASKED)).status == 200
    assert seen == ["pre_request", "select_provider", "transform_request", "transform_response", *names[4:]]


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rb", "a\r\n\r\n<html>"])
async def test_header_with_a_line_end(serve: Any, plugin: Any, value: str) -> None:
    """A header value of a plugin cannot become a second header, nor the body: it is left out."""

    def mark(self: Any, exchange: Any) -> None:
        exchange.response_headers.update({"x-bad": value, "x-good": "1"})

    gate = await serve(plugin(llmgate_pre_request=mark))
    for body in (ASKED, STREAMED):
        answer = await gate.post("/chat", body)
        assert (answer.status, answer.headers["x-good"]) == (200, "1")
        assert "x-evil" not in answer.headers
        assert "x-bad" not in answer.headers
        assert answer.complete


@pytest.mark.parametrize("name", ["x-a\r\nx-evil", "x-a: 1\nx-evil", "x\0"])
async def test_header_name_cannot_break_out(serve: Any, plugin: Any, name: str) -> None:
    """Nor can the name of one."""

    def pre_request(self: Any, exchange: Any) -> None:
        exchange.response_headers.update({name: "1", "x-good": "yes"})

    gate = await serve(plugin(llmgate_pre_request=pre_request))
    for body in (ASKED, STREAMED):
        answer = await gate.post("/chat", body)
        assert answer.status == 200
        assert answer.headers["x-good"] == "yes"
        assert not [header for header in answer.headers if "evil" in header or "\0" in header]
