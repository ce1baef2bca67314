"""Many at once: every client gets its own answer, whole, whichever way it was translated."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import httpx2

from tests.e2e.ask import no_tls
from tests.e2e.wires import anthropic, openai
from tests.e2e.wires.turn import Call, Turn

if TYPE_CHECKING:
    from types import ModuleType

    from llmgate_core.testing import Answer, Received, ScriptedUpstream
    from tests.e2e.process import GatewayProcess

MANY, AT_ONCE = 240, 48
TARGETS = ("openai/gpt-4o", "anthropic/claude-sonnet-4-5")
PATHS = ("/v1/chat/completions", "/v1/messages")


def parrot(wire: ModuleType) -> Any:
    """Answers with the nonce of the question, in its text and in two tool calls."""

    def respond(received: Received) -> Answer:
        (nonce,) = re.findall(r"nonce-\d+", received.body.decode())
        calls = tuple(Call(f"call_{n}_{nonce}", "note", json.dumps({"nonce": nonce})) for n in (1, 2))
        answer: Answer = wire.says(Turn(f"It is {nonce} indeed.", calls))(received)
        return answer

    return respond


def test_nobody_gets_anothers_answer(
    gateway: GatewayProcess, openai_upstream: ScriptedUpstream, anthropic_upstream: ScriptedUpstream
) -> None:
    """Hundreds of requests in all pairings, streamed and not, over shared connections: each answer has one nonce, its own."""
    openai_upstream.play(respond=parrot(openai))
    anthropic_upstream.play(respond=parrot(anthropic))

    async def ask(client: httpx2.AsyncClient, turn: asyncio.Semaphore, number: int) -> tuple[int, set[str], int]:
        body = {
            "model": TARGETS[number % 2],
            "max_tokens": 99,
            "stream": number % 8 >= 4,
            "messages": [{"role": "user", "content": f"nonce-{number:05}"}],
        }
        async with turn:
            answer = await client.post(PATHS[number // 2 % 2], json=body)
        found = re.findall(r"nonce-(\d{5})", answer.text)
        return answer.status_code, set(found), number

    async def all_of_them() -> list[tuple[int, set[str], int]]:
        turn = asyncio.Semaphore(AT_ONCE)
        headers = {"anthropic-version": "2023-06-01"}
        async with httpx2.AsyncClient(base_url=gateway.url, verify=no_tls(), timeout=60, headers=headers) as client:
            return await asyncio.gather(*(ask(client, turn, number) for number in range(MANY)))

    for status, found, number in asyncio.run(all_of_them()):
        assert (status, found) == (200, {f"{number:05}"})
    assert len(openai_upstream.requests) + len(anthropic_upstream.requests) == MANY
