"""What is loaded once connections are accepted, while the first requests are served."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest


async def test_dialects_prepare_while_requests_are_served(serve: Any, plugin: Any, toy: Any, body: Any) -> None:
    """A dialect that takes its time to prepare holds nobody up: the first request is answered meanwhile."""
    begun, answered = threading.Event(), threading.Event()

    class Slow(toy.ToyDialect):  # type: ignore[misc]  # a module that is loaded by its path has no types
        name = "slow.chat"
        prefix = "/slow"
        routes = ()

        def prepare(self) -> None:
            begun.set()
            assert answered.wait(10)

    def register(self: Any, register: Any) -> None:
        register(Slow())

    gate = await serve(plugin(llmgate_register_dialects=register), providers={"parrot": {}})
    await asyncio.to_thread(begun.wait, 10)
    answer = await gate.post("/chat", body("parrot/m"))
    answered.set()
    assert answer.status == 200


async def test_dialect_that_cannot_prepare_is_told(
    serve: Any, plugin: Any, toy: Any, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It ends nothing; the log names it."""

    class Broken(toy.ToyDialect):  # type: ignore[misc]  # a module that is loaded by its path has no types
        name = "broken.chat"
        prefix = "/broken"
        routes = ()

        def prepare(self) -> None:
            raise ImportError("a module is missing")

    def register(self: Any, register: Any) -> None:
        register(Broken())

    gate = await serve(plugin(llmgate_register_dialects=register), providers={"parrot": {}})
    answer = await gate.post("/chat", body("parrot/m"))
    await gate.stop()
    assert answer.status == 200
    assert "the dialect 'broken.chat' could not prepare itself" in caplog.text
    assert "a module is missing" in caplog.text
