"""The log of a served gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from llmgate_access_log import AccessLogPlugin
from llmgate_core import Gauge
from llmgate_core.config import ConfigError
from llmgate_core.testing import ServeGateway
from llmgate_core.testing.plain import say

CANARY = "CANARY-7f3a9b"


def config(**section: Any) -> dict[str, Any]:
    """A config file's tables."""
    return {"plugins": {"access_log": section}}


def lines(file: Path) -> list[dict[str, Any]]:
    """What stands in a log."""
    return [json.loads(line) for line in file.read_bytes().splitlines()]


async def test_every_request_has_one_line(serve_gateway: ServeGateway, tmp_path: Path) -> None:
    """Answered whole, streamed, refused by the gateway and not understood: one line each, all there after the stop."""
    file = tmp_path / "access.log"
    served = serve_gateway(config(file=str(file)), plugins=[AccessLogPlugin])
    bodies: list[Any] = [say("hi"), say("hi there", stream=True), say(model="nobody"), {"model": 5}]
    ids = []
    async with served as server, aiohttp.ClientSession(server.url) as client:
        for body in bodies:
            async with client.post("/plain/chat", json=body) as answer:
                await answer.read()
                ids.append(answer.headers["x-request-id"])
    told = lines(file)
    assert [line["id"] for line in told] == ids
    assert [line["status"] for line in told] == [200, 200, 404, 400]
    assert [line["outcome"] for line in told] == ["ok", "ok", "error", "error"]
    assert [line.get("stream", False) for line in told] == [False, True, False, False]
    assert [line.get("error") for line in told] == [None, None, "model_not_found", "invalid_type"]
    for line in told[:2]:
        assert (line["provider"], line["target"], line["usage"]) == ("parrot", "any", {"input": 1, "output": 1})
        assert line["finish_reason"] == "stop"
        assert [attempt["result"] for attempt in line["attempts"]] == ["ok"]
        assert 0 <= line["ms"]["overhead"] <= line["ms"]["total"]
        assert line["bytes"] > 0


async def test_canaries_stay_out_of_the_log(serve_gateway: ServeGateway, tmp_path: Path) -> None:
    """Secrets and prompts in headers, query and body leave no trace in the file."""
    file = tmp_path / "access.log"
    served = serve_gateway(config(file=str(file)), plugins=[AccessLogPlugin])
    headers = {"authorization": f"Bearer {CANARY}", "cookie": CANARY, "user-agent": CANARY}
    async with served as server, aiohttp.ClientSession(server.url, headers=headers) as client:
        for model in ("parrot/any", "nobody"):
            body = say(CANARY, model, user=CANARY, metadata={"a": CANARY})
            async with client.post(f"/plain/chat?key={CANARY}", json=body) as answer:
                await answer.read()
    assert len(lines(file)) == 2
    assert CANARY.encode() not in file.read_bytes()


async def test_content_is_logged_on_demand_and_redacted(serve_gateway: ServeGateway, tmp_path: Path) -> None:
    """With content on, the messages are there, without the key and the word of the config."""
    file = tmp_path / "access.log"
    served = serve_gateway(config(file=str(file), content=True, redact=["swordfish"]), plugins=[AccessLogPlugin])
    async with served as server, aiohttp.ClientSession(server.url) as client:
        body = say("swordfish is my password and sk-7f3a9b2c5d8e1f04 my key")
        async with client.post("/plain/chat", json=body) as answer:
            await answer.read()
    (line,) = lines(file)
    assert line["messages"] == [{"role": "user", "content": "[redacted] is my password and [redacted] my key"}]


async def test_standard_output_is_the_default(serve_gateway: ServeGateway, capfd: pytest.CaptureFixture[str]) -> None:
    """Where containers look for a log."""
    async with (
        serve_gateway(plugins=[AccessLogPlugin]) as server,
        aiohttp.ClientSession(server.url) as client,
        client.post("/plain/chat", json=say()) as answer,
    ):
        await answer.read()
    (line,) = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert (line["model"], line["status"]) == ("parrot/any", 200)


async def test_lost_lines_are_offered_to_metrics(serve_gateway: ServeGateway, tmp_path: Path) -> None:
    """A gauge tells how many lines were dropped and how many could not be written."""
    served = serve_gateway(config(file=str(tmp_path / "access.log")), plugins=[AccessLogPlugin])
    async with served as server:
        (gauge,) = [g for g in server.gateway.registry.gauges if g.name == "llmgate_access_log_lost_lines"]
        assert isinstance(gauge, Gauge)
        assert list(gauge.read()) == [(("dropped",), 0.0), (("failed",), 0.0)]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"file": "/no/such/directory/access.log"}, "cannot be opened for writing: No such file or directory"),
        ({"redact": ["(", "x"]}, r"redact\[0\]: '\(' is no regular expression"),
        ({"max_bytes": 10}, "max_bytes must be at least 4096"),
        ({"contents": True}, "did you mean 'content'"),
    ],
)
async def test_gateway_does_not_start_without_its_log(
    serve_gateway: ServeGateway, section: dict[str, Any], told: str
) -> None:
    """A log that cannot be written is told at the start, with what to do."""
    with pytest.raises(ConfigError, match=told):
        async with serve_gateway(config(**section), plugins=[AccessLogPlugin]):
            pass
