"""Model names that tell the echo to fail, delay, break off or stall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core.events import BlockDelta, End, Failure, Start
from llmgate_core.messages import ChatRequest, Message, Text
from llmgate_core.upstream_errors import StreamInterrupted, UpstreamConnectError, UpstreamRejected, UpstreamTimeout
from llmgate_echo import EchoConfig, EchoPlugin, EchoProvider
from llmgate_echo.script import Script, parse

Ask = Callable[..., Any]


def script(model: str) -> Script | None:
    """A name's script, with values of a config that can be recognised."""
    return parse(model, delay=7, word_delay=8, retry_after=9, words=3)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("echo", Script(retry_after=9)),
        ("slow", Script(delay=7, retry_after=9)),
        ("slow-2s", Script(delay=2, retry_after=9)),
        ("slow-250ms", Script(delay=0.25, retry_after=9)),
        ("slow-words", Script(word_delay=8, retry_after=9)),
        ("slow-words-0.5s", Script(word_delay=0.5, retry_after=9)),
        ("fail-503", Script(fail="503", retry_after=9)),
        ("fail-429-30s", Script(fail="429", retry_after=30)),
        ("fail-connect", Script(fail="connect", retry_after=9)),
        ("cut", Script(cut=3, retry_after=9)),
        ("cut-0", Script(cut=0, retry_after=9)),
        ("stall-12", Script(stall=12, retry_after=9)),
        ("slow-1s+cut-2", Script(delay=1, cut=2, retry_after=9)),
        *(
            (name, None)
            for name in ("", "x", "fail", "fail-200", "fail-999", "slow-2", "cut-2s", "echo-1", "cut-connect")
        ),
        *((name, None) for name in ("echo\n", "echo+", "slow-٢s", "../echo", "empty-refuse")),
    ],
)
def test_names_and_their_scripts(model: str, expected: Script | None) -> None:
    """Each form of a name, and names that are none."""
    assert script(model) == expected


@given(st.text() | st.from_regex(r"(slow|cut|stall|fail)-[a-z0-9.+-]*", fullmatch=True))
def test_no_name_breaks_the_reader(model: str) -> None:
    """Whatever a client sends as a name is a script or none."""
    assert script(model) is None or isinstance(script(model), Script)


@pytest.mark.parametrize(
    ("model", "upstream", "seen", "retry_after"),
    [
        ("fail-429", 429, 429, 1.0),
        ("fail-429-5s", 429, 429, 5.0),
        ("fail-500", 500, 502, None),
        ("fail-529", 529, 503, 1.0),
        ("fail-401", 401, 502, None),
        ("fail-400", 400, 400, None),
    ],
)
async def test_fail_raises_what_a_provider_would_give(
    ask: Ask, model: str, upstream: int, seen: int, retry_after: float | None
) -> None:
    """Before the first event, with the provider's status and the one a client sees."""
    with pytest.raises(UpstreamRejected) as caught:
        await ask(model=model)
    error = caught.value
    assert (error.upstream_status, error.status, error.retry_after) == (upstream, seen, retry_after)


@pytest.mark.parametrize(
    ("model", "error"), [("fail-connect", UpstreamConnectError), ("fail-timeout", UpstreamTimeout)]
)
async def test_failures_without_a_status(ask: Ask, model: str, error: type[Exception]) -> None:
    """The network's failures can be had as well."""
    with pytest.raises(error):
        await ask(model=model)


async def test_a_prompt_too_long_has_its_code(ask: Ask) -> None:
    """The 400 that a larger model could have answered."""
    with pytest.raises(UpstreamRejected) as caught:
        await ask(model="fail-context")
    assert (caught.value.status, caught.value.code) == (400, "context_length_exceeded")


async def test_an_unknown_model_is_not_found(ask: Ask) -> None:
    """As at any provider: 404, and the text names what there is, not what was sent."""
    with pytest.raises(UpstreamRejected) as caught:
        await ask(model="<script>")
    assert (caught.value.upstream_status, caught.value.code) == (404, "model_not_found")
    assert "slow-words" in caught.value.message
    assert "<script>" not in caught.value.message


@pytest.mark.parametrize(("model", "words"), [("cut-2", 2), ("cut", 3), ("cut-0", 0), ("cut-50", 4)])
async def test_cut_breaks_off_after_some_words(ask: Ask, model: str, words: int) -> None:
    """A failure instead of an end, also when the answer is shorter than the cut."""
    events = await ask("one two three four", model=model)
    assert sum(isinstance(e, BlockDelta) for e in events) == words
    assert isinstance(events[-1], Failure)
    assert isinstance(events[-1].error, StreamInterrupted)
    assert not any(isinstance(e, End) for e in events)


async def test_slow_answers_in_the_end(ask: Ask) -> None:
    """Delays change nothing but the time."""
    plain = await ask()
    assert [type(e) for e in await ask(model="slow-1ms+slow-words-1ms")] == [type(e) for e in plain]


async def test_stall_says_nothing_more_until_cancelled(echo: EchoProvider) -> None:
    """Two words come, the third never does, and cancelling ends it."""
    chat = ChatRequest("stall-2", (Message("user", (Text("one two three"),)),))
    seen = []
    stalled = asyncio.Event()

    async def listen() -> None:
        async for event in echo.answer(chat):
            seen.append(event)
            if sum(isinstance(e, BlockDelta) for e in seen) == 2:
                stalled.set()

    listener = asyncio.create_task(listen())
    await stalled.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not listener.done()
    listener.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listener
    assert isinstance(seen[0], Start)
    assert sum(isinstance(e, BlockDelta) for e in seen) == 2


def test_it_is_there_without_config() -> None:
    """The bare names it lists are its own, and no other's."""
    echo = EchoProvider("echo", EchoConfig())
    assert echo.serves("echo")
    assert "fail-429" in echo.models
    assert not echo.serves("big-model")


async def test_it_stands_in_for_other_models() -> None:
    """Names from the config answer like ``echo``, and are its bare names."""
    stand_in = EchoProvider("cloud", EchoConfig(models=["big-model"]))
    assert stand_in.serves("big-model")
    events: list[Any] = [e async for e in stand_in.answer(ChatRequest("big-model", (Message("user", (Text("hi"),)),)))]
    assert (events[0].model, events[2].text) == ("big-model", "hi")


def test_the_plugin_registers_one_type() -> None:
    """The provider type is ``echo`` and needs no config to be there."""
    registered: list[Any] = []
    EchoPlugin().llmgate_register_providers(registered.append)
    assert registered == [EchoProvider]
    assert (EchoProvider.type, EchoProvider.always_on) == ("echo", True)
