"""Faults inside a stream: hidden before its first content, told by one terminal event after it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from llmgate_core.testing import Gate, Reply, ScriptedUpstream, Stream

PARTS = pytest.mark.parametrize("odd", [False, True], ids=["same", "translated"])


def words(toy: Any, count: int) -> list[bytes]:
    """The start of a toy stream with ``count`` pieces of text."""
    return [toy.frame(start="1", model="m"), *(toy.frame(text=f"w{number} ") for number in range(count))]


def whole(toy: Any) -> list[bytes]:
    """A good toy stream."""
    return [*words(toy, 2), toy.frame(finish="stop"), toy.frame(usage={"in": 3, "out": 2}), toy.END]


def said(answer: Any, *, odd: bool) -> str:
    """The text in a stream's frames."""
    word = "say" if odd else "text"
    return "".join(frame[word] for frame in answer.frames if isinstance(frame, dict) and word in frame)


def terminal_error(answer: Any) -> Any:
    """The one error event: it is the last frame, no end marker follows, and the body ends cleanly."""
    errors = [frame for frame in answer.frames if isinstance(frame, dict) and "error" in frame]
    assert len(errors) == 1
    assert answer.frames[-1] == errors[0]
    assert "[END]" not in answer.frames
    assert answer.complete
    return errors[0]["error"]


BROKEN: list[Any] = [
    pytest.param([0.2], "reset", id="F58-reset"),  # a reset drops what the other side has not read yet
    pytest.param([], "close", id="F58-chunked-body-without-end"),
    pytest.param([], "end", id="F59-clean-end-without-finish"),
    pytest.param([b'data: {"text": "cut sh'], "end", id="F59-frame-cut-short"),
]


@PARTS
@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize(("more", "ending"), BROKEN)
async def test_f58_f59_break_after_content(
    ask: Any, toy: Any, count: int, more: list[Any], ending: Any, *, odd: bool
) -> None:
    """What came stays, then one error event and no end marker; nothing is tried again."""
    asked = await ask(Stream([*words(toy, count), *more], ending=ending), stream=True, odd=odd)
    assert said(asked.answer, odd=odd).split() == [f"w{number}" for number in range(count)]
    assert terminal_error(asked.answer)["code"] == "upstream_stream_interrupted"
    assert (asked.results, asked.gate.log.outcomes) == (["partial"], ["partial"])


@pytest.mark.parametrize(("more", "ending"), BROKEN)
async def test_f58_break_before_content_falls_back(
    ask: Any, toy: Any, go_on: Any, more: list[Any], ending: Any
) -> None:
    """With no content out yet the next target answers, and its stream is the only one the client sees."""
    stream = Stream([*words(toy, 0), *more], ending=ending)
    asked = await ask(stream, stream=True, plugins=(go_on,), model="one/m+parrot/small")
    assert said(asked.answer, odd=False) == "hi there "
    assert asked.answer.frames[0] == {"start": "local", "model": "small"}
    assert asked.results == ["ambiguous", "ok"]


@PARTS
async def test_f59_end_marker_forgotten(ask: Any, toy: Any, *, odd: bool) -> None:
    """A provider that finished and only forgot the end marker has answered: the marker is added."""
    asked = await ask(Stream(whole(toy)[:-1]), stream=True, odd=odd)
    assert asked.answer.frames[-1] == "[END]"
    assert (asked.results, asked.gate.log.outcomes) == (["ok"], ["ok"])
    assert asked.gate.log.exchanges[0].usage.output_tokens == 2


@PARTS
async def test_f61_stall_after_content(ask: Any, toy: Any, *, odd: bool) -> None:
    """A stream that stands still ends after the idle limit, with an error event."""
    asked = await ask(Stream(words(toy, 1), ending="stall"), stream=True, odd=odd, timeouts={"idle": 0.1})
    assert terminal_error(asked.answer)["code"] == "stream_idle_timeout"
    assert asked.results == ["partial"]
    await asked.provider_left()


@PARTS
@pytest.mark.parametrize("noise", [b": ping\n\n", b"event: ping\n\n"])
async def test_f63_pings_are_no_content(ask: Any, toy: Any, noise: bytes, *, odd: bool) -> None:
    """A provider that only says that it is alive runs into the limit for the first content."""
    pings: Sequence[Any] = list(itertools.chain.from_iterable((noise, 0.02) for _ in range(300)))
    asked = await ask(Stream([*words(toy, 0), *pings]), stream=True, odd=odd, timeouts={"first_byte": 0.3})
    assert (asked.answer.status, asked.answer.error["code"]) == (504, "upstream_timeout")
    assert asked.results == ["ambiguous"]


@PARTS
async def test_f63_pings_after_an_early_commit(ask: Any, toy: Any, *, odd: bool) -> None:
    """The same when the hold-back had given up before: then it is an error event."""
    pings: Sequence[Any] = list(itertools.chain.from_iterable((b": ping\n\n", 0.02) for _ in range(300)))
    asked = await ask(
        Stream([*words(toy, 0), *pings]), stream=True, odd=odd, timeouts={"first_byte": 0.5}, hold_limit=0.1
    )
    assert asked.answer.status == 200
    assert terminal_error(asked.answer)["code"] == "upstream_timeout"


async def test_f64_every_byte_alone(ask: Any, toy: Any) -> None:
    """Cut into single bytes, also inside a character, a stream reaches the client unchanged."""
    data = toy.frame(start="1", model="m") + 'data: {"text":"Zoë 🐘"}\n\n'.encode() + toy.frame(finish="stop") + toy.END
    asked = await ask(Stream([data[at : at + 1] for at in range(len(data))]), stream=True)
    assert asked.answer.body == data


@PARTS
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
async def test_f65_line_ends(ask: Any, toy: Any, end: bytes, *, odd: bool) -> None:
    """Every line end of the standard is understood, also with CR and LF in two packets."""
    data = b"".join(whole(toy)).replace(b"\n", end)
    asked = await ask(Stream([data[at : at + 7] for at in range(0, len(data), 7)]), stream=True, odd=odd)
    assert asked.results == ["ok"]
    if odd:
        assert said(asked.answer, odd=True) == "w0 w1 "
    else:
        assert asked.answer.body.count(b"w") == 2


async def test_f66_f67_odd_frames(ask: Any) -> None:
    """A BOM, comments, ids, unknown fields, no space after the colon and several data lines are read as one stream."""
    data = (
        b'\xef\xbb\xbfdata:{"start":"1",\ndata:"model":"m"}\n\n: note\nid: 7\nretry: 5\nfoo: bar\n\n'
        b'event: x\ndata: {"text":\ndata: "a\xe2\x80\xa8b"}\n\ndata:{"finish":"stop"}\n\ndata:[END]\n\n'
    )
    same = await ask(Stream([data]), stream=True)
    assert same.answer.body == data
    other = await ask(Stream([data]), stream=True, odd=True)
    assert said(other.answer, odd=True) == "a\u2028b"


@PARTS
async def test_f68_endless_line(ask: Any, toy: Any, *, odd: bool) -> None:
    """A line without an end stops at the limit, with an error event."""
    asked = await ask(Stream([*words(toy, 1), b"data: ", *[b"x" * 65536] * 100]), stream=True, odd=odd)
    assert terminal_error(asked.answer)["code"] == "upstream_bad_response"
    assert len(asked.answer.body) < 10_000


@PARTS
@pytest.mark.parametrize("bad", [b"data: {bad\n\n", b"data: []\n\n", b"data: \n\n"])
async def test_f70_malformed_event(ask: Any, toy: Any, bad: bytes, *, odd: bool) -> None:
    """Invalid JSON never reaches the client, and neither does what follows it."""
    asked = await ask(Stream([*words(toy, 2), bad, *whole(toy)]), stream=True, odd=odd)
    assert said(asked.answer, odd=odd) == "w0 w1 "
    assert terminal_error(asked.answer)["code"] == "upstream_bad_response"
    assert bad not in asked.answer.body


HIDDEN = [
    pytest.param(0, id="F71-first-frame"),
    pytest.param(1, id="F72-after-lifecycle"),
]


@PARTS
@pytest.mark.parametrize("lifecycle", HIDDEN)
@pytest.mark.parametrize(("told", "seen"), [(429, 429), (500, 502), (529, 503), (401, 502)])
async def test_f71_f72_error_inside_200(ask: Any, toy: Any, lifecycle: int, told: int, seen: int, *, odd: bool) -> None:
    """An error before any content is answered as if it had been the status."""
    stream = Stream([*words(toy, 0)[:lifecycle], toy.frame(error={"message": "busy", "status": told})])
    asked = await ask(stream, stream=True, odd=odd)
    assert asked.answer.status == seen
    assert asked.results == ["rejected"]
    assert asked.answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("lifecycle", HIDDEN)
async def test_f71_f72_error_inside_200_falls_back(ask: Any, toy: Any, go_on: Any, lifecycle: int) -> None:
    """… or the next target answers, and nothing of the first is seen."""
    stream = Stream([*words(toy, 0)[:lifecycle], b": ping\n\n", toy.frame(error={"message": "busy", "status": 529})])
    asked = await ask(stream, stream=True, plugins=(go_on,), model="one/m+parrot/small")
    assert said(asked.answer, odd=False) == "hi there "
    assert asked.answer.body.count(b"start") == 1
    assert asked.results == ["rejected", "ok"]


@PARTS
async def test_f73_error_after_content(ask: Any, toy: Any, go_on: Any, *, odd: bool) -> None:
    """After content the provider's error is one event, and the next target is not spliced in."""
    stream = Stream([*words(toy, 2), toy.frame(error={"message": "busy", "status": 529}), toy.frame(text="no")])
    asked = await ask(stream, stream=True, odd=odd, plugins=(go_on,), model="one/m+parrot/small")
    assert said(asked.answer, odd=odd) == "w0 w1 "
    assert terminal_error(asked.answer)["message"] == "busy"
    assert asked.results == ["partial"]


@PARTS
@pytest.mark.parametrize("extra", [b'data: {"text":"more"}\n\n', b"data: [END]\n\n", b"garbage"])
async def test_f74_data_after_the_end_marker(ask: Any, toy: Any, extra: bytes, *, odd: bool) -> None:
    """What follows the end marker is ignored, and its connection serves no other request."""
    asked = await ask(Stream([*whole(toy), extra]), Stream(whole(toy)), stream=True, odd=odd)
    assert said(asked.answer, odd=odd) == "w0 w1 "
    assert asked.answer.frames.count("[END]") == 1
    body = b'{"model":"one/m","text":"x","stream":true}'
    second = await asked.gate.post("/chat", body)
    assert said(second, odd=False) == "w0 w1 "


async def test_connection_is_reused_after_a_good_stream(ask: Any, toy: Any) -> None:
    """A stream that ended properly gives its connection back."""
    asked = await ask(Stream(whole(toy)), Stream(whole(toy)), stream=True)
    await asked.gate.post("/chat", b'{"model":"one/m","text":"x","stream":true}')
    assert [request.connection for request in asked.upstream.requests] == [0, 0]


async def test_f75_unknown_content_passes_unchanged(ask: Any, toy: Any) -> None:
    """Pieces of tool calls in any shape are relayed as they came, even cut inside an escape."""
    pieces = [b'data: {"tool":{"arguments":"{\\"a\\": \\"\\\\u00"}}\n\n', b'data: {"tool":{"arguments":"e9\\"}"}}\n\n']
    frames = [*words(toy, 0), *pieces, toy.frame(finish="tool_calls"), toy.END]
    asked = await ask(Stream(frames), stream=True)
    assert asked.answer.body == b"".join(frames)


@PARTS
@pytest.mark.parametrize("counts", [[], [(3, 1)], [(3, 1), (3, 2)]], ids=["missing", "once", "cumulative"])
async def test_f76_usage_frames(ask: Any, toy: Any, counts: list[tuple[int, int]], *, odd: bool) -> None:
    """Usage the client did not ask for is noted and stripped; of several the last counts; none is no error."""
    usage = [toy.frame(usage={"in": given, "out": made}) for given, made in counts]
    asked = await ask(Stream([*words(toy, 1), *usage, toy.frame(finish="stop"), toy.END]), stream=True, odd=odd)
    assert b"usage" not in asked.answer.body
    found = asked.gate.log.exchanges[0].usage
    assert (found and found.output_tokens) == (counts[-1][1] if counts else None)
    assert asked.results == ["ok"]


@PARTS
async def test_f78_one_json_for_a_stream(ask: Any, toy: Any, *, odd: bool) -> None:
    """A provider that answers a request for a stream with one document is made into a stream."""
    reply = Reply.of({"id": "1", "model": "m", "text": "Hello", "finish": "stop", "usage": {"in": 3, "out": 1}})
    asked = await ask(reply, stream=True, odd=odd)
    assert said(asked.answer, odd=odd) == "Hello"
    assert asked.answer.frames[-1] == "[END]"
    assert asked.gate.log.exchanges[0].usage.input_tokens == 3


@PARTS
async def test_f86_deadline_in_mid_stream(ask: Any, toy: Any, *, odd: bool) -> None:
    """The one deadline ends a stream that still flows, and the provider's connection with it."""
    endless: list[Any] = [part for number in range(2000) for part in (toy.frame(text=f"{number} "), 0.01)]
    asked = await ask(Stream([*words(toy, 1), *endless]), stream=True, odd=odd, total_timeout=0.4)
    assert terminal_error(asked.answer)["code"] == "deadline_exceeded"
    assert asked.results == ["partial"]
    await asked.provider_left()


async def test_hold_limit_commits_early(toy: Any, serve: Any) -> None:
    """When content is long in coming the stream begins, and comments keep the client's connection alive."""
    gate = Gate()
    frames: list[Any] = [
        toy.frame(start="1", model="m"),
        gate,
        toy.frame(text="late"),
        toy.frame(finish="stop"),
        toy.END,
    ]
    async with ScriptedUpstream(Stream(frames)) as upstream:
        served = await serve(
            providers={"one": {"type": "toy", "base_url": upstream.url}}, hold_limit=0.05, keep_alive=0.05
        )
        talk = await served.talk(served.request("/chat", b'{"model":"one/m","text":"x","stream":true}'))
        seen = await talk.until(b": keep-alive\n\n")
        assert b"200 OK" in seen
        assert b"late" not in seen
        gate.open()
        await talk.until(b"0\r\n\r\n")
        talk.leave()
    assert talk.seen.index(b": keep-alive") < talk.seen.index(b"late")
    assert served.log.outcomes == ["ok"]
