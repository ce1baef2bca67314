"""Each lane is the one that the other tests take it for. From outside the two are told apart by how they spell their heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.ask import OpenAISdk
from tests.e2e.wires.turn import Turn

if TYPE_CHECKING:
    from tests.e2e.conftest import ScriptedProvider

ASKED: Any = [{"role": "user", "content": "Which way?"}]


def test_both_sides_take_the_lane(sdk: Any, provider: ScriptedProvider, *, streamed: bool, lean: bool) -> None:
    """The lean lane writes every name in small letters, aiohttp some with capitals: so do answers and provider requests."""
    provider.says(Turn("This way."))
    with sdk.client() as client:
        calls: Any = client.chat.completions if isinstance(sdk, OpenAISdk) else client.messages
        raw = calls.with_raw_response.create(model=provider.target, messages=ASKED, max_tokens=99, stream=streamed)
        answered = [name.decode() for name, _ in raw.headers.raw]
        raw.http_response.read()
    asked = [name for name, _ in provider.upstream.requests[0].raw_headers]
    for names in (answered, asked):
        assert all(name.islower() for name in names) is lean
