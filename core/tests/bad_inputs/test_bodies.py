"""Bodies and paths that are refused early, in the words of the likely dialect."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

DEEP = b'{"model":"parrot/small","text":' + b"[" * 100_000
GOOD = b'{"model":"parrot/small","text":"hi"}'

BODIES: dict[str, tuple[bytes, str]] = {
    "B35-empty": (b"", "invalid_json"),
    "B37-bom": (b"\xef\xbb\xbf" + GOOD, "invalid_json"),
    "B37-utf16": (GOOD.decode().encode("utf-16"), "invalid_json"),
    "B37-utf32": (GOOD.decode().encode("utf-32-le"), "invalid_json"),
    "B38-invalid-utf8": (b'{"model":"parrot/small","text":"\xff"}', "invalid_json"),
    "B38-overlong-utf8": (b'{"model":"parrot/small","text":"\xc0\xaf"}', "invalid_json"),
    "B39-cut": (GOOD[:-1], "invalid_json"),
    "B39-trailing-comma": (GOOD[:-1] + b",}", "invalid_json"),
    "B39-two-documents": (GOOD + GOOD, "invalid_json"),
    "B39-single-quotes": (GOOD.replace(b'"', b"'"), "invalid_json"),
    "B39-comment": (b"/* x */" + GOOD, "invalid_json"),
    "B39-nul-behind": (GOOD + b"\x00", "invalid_json"),
    "B40-deep": (DEEP, "invalid_json"),
    "B40-deep-closed": (DEEP + b"]" * 100_000 + b"}", "invalid_json"),
    "B41-duplicate": (b'{"model":"parrot/small","text":"a","text":"b"}', "invalid_json"),
    "B41-duplicate-model": (b'{"model":"cheap","text":"a","model":"parrot/small"}', "invalid_json"),
    "B41-duplicate-spaced": (b'{ "model" : "parrot/small",\n"text":"a" , "text" : "b" }', "invalid_json"),
    "B41-duplicate-escaped": (b'{"model":"parrot/small","text":"a","te\\u0078t":"b"}', "invalid_json"),
    "B42-nan": (b'{"model":"parrot/small","text":"a","n":NaN}', "invalid_json"),
    "B42-infinity": (b'{"model":"parrot/small","text":"a","n":-Infinity}', "invalid_json"),
    "B42-1e999": (b'{"model":"parrot/small","text":"a","n":1e999}', "invalid_json"),
    "B42-1e999-inside": (b'{"model":"parrot/small","text":"a","n":[{"x":1e999}]}', "invalid_json"),
    "B43-5000-digits": (b'{"model":"parrot/small","text":"a","n":' + b"9" * 5000 + b"}", "invalid_json"),
    "B43-5000-digits-inside": (b'{"model":"parrot/small","text":"a","n":[' + b"9" * 5000 + b"]}", "invalid_json"),
    "B44-lone-surrogate": (b'{"model":"parrot/small","text":"\\ud800"}', "invalid_json"),
    "B44-lone-surrogate-in-key": (b'{"model":"parrot/small","text":"a","\\udfff":1}', "invalid_json"),
    "B45-array": (b"[]", "invalid_json"),
    "B45-string": (b'"x"', "invalid_json"),
    "B45-null": (b"null", "invalid_json"),
    "B45-number": (b"1", "invalid_json"),
    "no-model": (b'{"text":"a"}', "missing_required_parameter"),
    "null-model": (b'{"model":null,"text":"a"}', "missing_required_parameter"),
    "number-model": (b'{"model":1,"text":"a"}', "invalid_type"),
    "object-model": (b'{"model":{"a":1},"text":"a"}', "invalid_type"),
    "string-stream": (b'{"model":"parrot/small","text":"a","stream":"true"}', "invalid_type"),
    "number-stream": (b'{"model":"parrot/small","text":"a","stream":1}', "invalid_type"),
}


@pytest.mark.parametrize(("body", "code"), BODIES.values(), ids=BODIES.keys())
async def test_bad_body_is_a_400(serve: Any, body: bytes, code: str) -> None:
    """The error names what is wrong, carries the request's id, and the request was noted by observers."""
    gate = await serve()
    answer = await gate.post("/chat", body)
    assert (answer.status, answer.error["code"], answer.error["kind"]) == (400, code, "invalid_request")
    assert len(answer.error["message"]) < 300
    assert answer.error["id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert gate.log.outcomes == ["error"]
    assert (await gate.post("/chat", GOOD)).status == 200


CONTROL = [
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "extra_headers",
    "headers",
    "callback_url",
    "mock_response",
]


@pytest.mark.parametrize("name", CONTROL)
async def test_b49_control_field(serve: Any, name: str) -> None:
    """Fields that steer other gateways are refused by name."""
    gate = await serve()
    answer = await gate.post("/chat", json.dumps({"model": "parrot/small", "text": "a", name: "x"}).encode())
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "parameter_not_allowed", name)


async def test_b48_unknown_fields_pass(serve: Any) -> None:
    """A field nobody knows belongs to the provider; a plugin's claimed field never reaches it."""
    from llmgate_core import Plugin
    from llmgate_core.testing import Reply, ScriptedUpstream

    seen: list[Any] = []

    class Claims(Plugin):
        claims = ("fallbacks",)

        def llmgate_pre_request(self, exchange: Any) -> None:
            seen.append(exchange.extensions)

    said = {"id": "1", "model": "m", "text": "Hello", "finish": "stop"}
    async with ScriptedUpstream(Reply.of(said)) as upstream:
        gate = await serve(Claims, providers={"one": {"type": "toy", "base_url": upstream.url}})
        await gate.post("/chat", b'{"model":"one/m","text":"a","new":{"x":1},"fallbacks":["b/c"]}')
    assert upstream.requests[0].json == {"model": "m", "text": "a", "new": {"x": 1}}
    assert seen == [{"fallbacks": ["b/c"]}]


async def test_b31_body_too_large(serve: Any) -> None:
    """A length above the limit is refused before the body is read."""
    gate = await serve(max_body=1000)
    answer = await gate.post("/chat", b"", {"content-length": "1001"})
    assert (answer.status, answer.error["code"], answer.headers["connection"]) == (413, "request_too_large", "close")


async def test_b31_chunked_body_too_large(serve: Any, served: Any) -> None:
    """A body without a length is refused where it passes the limit."""
    gate = await serve(max_body=1000)
    head = served.request_head("POST", "/chat", {"content-type": "application/json", "transfer-encoding": "chunked"})
    answer = await gate.speak(head + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n")
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


async def test_large_body_within_the_limit_is_served(serve: Any) -> None:
    """Five megabytes are no reason to refuse."""
    gate = await serve()
    answer = await gate.post("/chat", json.dumps({"model": "parrot/small", "text": "x" * 5_000_000}).encode())
    assert answer.status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x"])
async def test_b33_compressed_body(serve: Any, encoding: str) -> None:
    """A compressed body is refused: nothing is inflated for a client."""
    gate = await serve()
    answer = await gate.post("/chat", gzip.compress(GOOD), {"content-encoding": encoding})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application"]
)
async def test_b36_other_content_types(serve: Any, kind: str) -> None:
    """Only JSON is read."""
    gate = await serve()
    answer = await gate.post("/chat", GOOD, {"content-type": kind})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"])
async def test_b36_spellings_of_json(serve: Any, kind: str) -> None:
    """JSON under any of its names is read."""
    gate = await serve()
    assert (await gate.post("/chat", GOOD, {"content-type": kind})).status == 200


async def test_b35_body_on_get_is_ignored(serve: Any) -> None:
    """A body where none belongs changes nothing."""
    gate = await serve()
    raw = b"GET /models HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 3\r\n\r\nxyz"
    assert (await gate.speak(raw)).status == 200


PATHS = {
    "B28-double-slash": ("//chat", 404),
    "B28-dots": ("/toy/../chat", 404),
    "B28-encoded-dots": ("/%2e%2e/chat", 404),
    "B28-encoded-slash": ("/toy%2fchat", 404),
    "B28-encoded-letter": ("/%63hat", 404),
    "B28-semicolon": ("/chat;a", 404),
    "B28-trailing-slash": ("/chat/", 404),
    "B28-upper-case": ("/CHAT", 404),
    "B29-nul": ("/chat%00", 400),
    "B29-bad-percent": ("/chat%zz", 400),
    "B29-percent-at-end": ("/chat%", 400),
    "B29-control": ("/chat%0a", 400),
    "B30-unknown": ("/v1/nothing", 404),
    "unknown-under-prefix": ("/odd/nothing", 404),
}


@pytest.mark.parametrize(("path", "status"), PATHS.values(), ids=PATHS.keys())
async def test_odd_path(serve: Any, path: str, status: int) -> None:
    """A path has one form: anything that is not exactly a known one is refused, in JSON."""
    gate = await serve()
    answer = await gate.post(path, GOOD)
    assert answer.status == status
    assert answer.error["message"]
    assert answer.headers["connection"] == "close"
    assert gate.log.exchanges == []


@pytest.mark.parametrize("path", ["/models/%ff", "/models/%c0%af", "/models/%ed%a0%80"])
async def test_b29_overlong_utf8(serve: Any, path: str) -> None:
    """A model's name in the path that is not UTF-8 is a 400, not a fault of ours."""
    gate = await serve()
    answer = await gate.get(path)
    assert (answer.status, answer.error["code"]) == (400, "invalid_path")


@pytest.mark.parametrize(("path", "method", "allow"), [("/chat", "GET", "POST"), ("/models", "DELETE", "GET")])
async def test_b30_wrong_method(serve: Any, path: str, method: str, allow: str) -> None:
    """A known path with another method tells which one it takes."""
    gate = await serve()
    answer = await gate.get(path, method=method)
    assert (answer.status, answer.headers["allow"], answer.error["code"]) == (405, allow, "method_not_allowed")


MODELS = ["../../x", "%2e%2e%2f", "a?b#c", "a@evil", "a\r\nb", "a\x00b", "gpt\u0430", "x" * 500, " ", "\x1b[31mred"]


@pytest.mark.parametrize("model", MODELS)
async def test_b52_odd_model_name(serve: Any, model: str) -> None:
    """A name nobody knows is a 404 that shows at most 100 characters of it, escaped; nothing is sent anywhere."""
    gate = await serve()
    answer = await gate.post("/chat", json.dumps({"model": model.replace("/", ""), "text": "a"}).encode())
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert "x" * 101 not in answer.error["message"]
    assert not set(answer.error["message"]) & set("\r\n\x00\x1b")


async def test_b52_long_model_name(serve: Any) -> None:
    """A name beyond any reason is refused before a plugin sees it."""
    gate = await serve()
    answer = await gate.post("/chat", json.dumps({"model": "x" * 10_000, "text": "a"}).encode())
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("model", ["one/../../admin", "one/a?b#c", "one/a b\r\nx: y", "one/%2e%2e"])
async def test_b53_model_cannot_change_the_url(serve: Any, model: str) -> None:
    """Whatever the model is called, the provider's URL is the configured one."""
    from llmgate_core.testing import ScriptedUpstream

    async with ScriptedUpstream() as upstream:
        gate = await serve(providers={"one": {"type": "toy", "base_url": upstream.url + "/base"}})
        await gate.post("/chat", json.dumps({"model": model, "text": "a"}).encode())
    assert [(request.path, request.query) for request in upstream.requests] == [("/base/chat", "")]
    assert upstream.requests[0].json["model"] == model.partition("/")[2]


async def test_b83_no_cors(serve: Any) -> None:
    """Another site's page may not read the gateway: there is no CORS header, and nothing is cached."""
    gate = await serve()
    answer = await gate.post("/chat", GOOD, {"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cache-control"] == "no-store"
    preflight = await gate.get("/chat", {"origin": "https://evil.example"}, method="OPTIONS")
    assert preflight.status == 405


EARLY: list[tuple[str, dict[str, str], int, str]] = [
    ("POST /odd/nothing", {}, 404, "odd.chat"),
    ("POST /toy/nothing", {}, 404, "toy.chat"),
    ("POST /nothing", {}, 404, "toy.chat"),
    ("POST /nothing", {"x-dialect": "odd.chat"}, 404, "odd.chat"),
    ("DELETE /odd/say", {}, 405, "odd.chat"),
    ("POST /odd/say", {"content-type": "text/plain"}, 415, "odd.chat"),
    ("POST /say", {"content-type": "text/plain"}, 415, "odd.chat"),
    ("POST /say", {"content-type": "application/json", "content-length": "99999999999"}, 413, "odd.chat"),
]


@pytest.mark.parametrize(("asked", "headers", "status", "dialect"), EARLY)
async def test_early_error_in_the_likely_dialect(
    serve: Any, asked: str, headers: dict[str, str], status: int, dialect: str
) -> None:
    """Before a request is one, its error is told in the words of the path's dialect, or of the one its headers show."""
    gate = await serve()
    method, path = asked.split()
    answer = await gate.get(path, headers, method=method)
    assert (answer.status, answer.error["dialect"]) == (status, dialect)
    assert answer.error["id"] == answer.headers["x-request-id"]
