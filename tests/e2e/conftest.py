"""A gateway process for each module and lane, scripted upstreams behind it, and the official SDKs before it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
from attrs import frozen

from llmgate_core.testing import Gate, ScriptedUpstream
from tests.e2e.ask import AnthropicSdk, OpenAISdk, Sdk
from tests.e2e.process import GatewayProcess
from tests.e2e.wires import anthropic, openai
from tests.e2e.wires.turn import Turn

CONFIG = """
[providers.openai]
base_url = "{openai}/v1"
keys = ["sk-upstream-openai-canary"]
models = ["gpt-4o"]

[providers.anthropic]
base_url = "{anthropic}"
keys = ["sk-upstream-anthropic-canary"]
models = ["claude-sonnet-4-5"]
"""


@frozen
class ScriptedProvider:
    """A provider of the config, and who plays it."""

    name: str
    model: str
    upstream: ScriptedUpstream
    wire: ModuleType

    @property
    def target(self) -> str:
        """What a client asks for."""
        return f"{self.name}/{self.model}"

    def gated(self, turn: Turn, gate: Gate, keep: int) -> None:
        """Let it answer with a stream that waits at the gate after ``keep`` frames."""
        self.upstream.play(respond=lambda received: self.wire.stream(turn, received.json, gate=gate, keep=keep))

    def says(self, *turns: Turn) -> None:
        """Let it answer with these turns, one after the other."""
        self.upstream.play(respond=self.wire.says(*turns))


@pytest.fixture(scope="module")
def openai_upstream() -> Iterator[ScriptedUpstream]:
    """Plays OpenAI; its script is emptied before each test."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def anthropic_upstream() -> Iterator[ScriptedUpstream]:
    """Plays Anthropic; its script is emptied before each test."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def fresh_scripts(openai_upstream: ScriptedUpstream, anthropic_upstream: ScriptedUpstream) -> None:
    """No test sees another one's requests or answers."""
    openai_upstream.play()
    anthropic_upstream.play()


@pytest.fixture(scope="module")
def more_config() -> str:
    """What a module adds to the config; override it there."""
    return ""


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    """What a module adds to the environment; override it there."""
    return {}


@pytest.fixture(scope="module", params=[True, False], ids=["lean", "full"])
def lean(request: pytest.FixtureRequest) -> bool:
    """Whether the gateway uses its lean lanes: every test that sends it a request runs with them and without."""
    return bool(request.param)


@pytest.fixture(scope="module")
def gateway(  # noqa: PLR0917  # a fixture takes what it stands on
    tmp_path_factory: pytest.TempPathFactory,
    openai_upstream: ScriptedUpstream,
    anthropic_upstream: ScriptedUpstream,
    more_config: str,
    env: dict[str, str],
    lean: bool,
) -> Iterator[GatewayProcess]:
    """A process with both upstreams configured; it must end well and have told no traceback."""
    config = CONFIG.format(openai=openai_upstream.url, anthropic=anthropic_upstream.url) + more_config
    if not lean:
        table = "[gateway]\n"
        config = (config if table in config else f"{config}\n{table}").replace(table, f"{table}lean = false\n")
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"), config, env).start()
    yield process
    code = process.stop()
    told = process.stderr + process.stdout
    assert (code, "Traceback" in told) == (0, False), told
    assert "canary" not in told


@pytest.fixture
def openai_sdk(gateway: GatewayProcess) -> OpenAISdk:
    """The OpenAI SDK, pointed at the gateway."""
    return OpenAISdk(gateway.url)


@pytest.fixture
def anthropic_sdk(gateway: GatewayProcess) -> AnthropicSdk:
    """The Anthropic SDK, pointed at the gateway."""
    return AnthropicSdk(gateway.url)


@pytest.fixture(params=["openai_sdk", "anthropic_sdk"])
def sdk(request: pytest.FixtureRequest, openai_sdk: OpenAISdk, anthropic_sdk: AnthropicSdk) -> Sdk:
    """Each SDK."""
    return openai_sdk if request.param == "openai_sdk" else anthropic_sdk


@pytest.fixture(params=["openai", "anthropic"])
def provider(
    request: pytest.FixtureRequest, openai_upstream: ScriptedUpstream, anthropic_upstream: ScriptedUpstream
) -> ScriptedProvider:
    """Each provider, scripted."""
    if request.param == "openai":
        return ScriptedProvider("openai", "gpt-4o", openai_upstream, openai)
    return ScriptedProvider("anthropic", "claude-sonnet-4-5", anthropic_upstream, anthropic)


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    """Whole answers and streams."""
    return bool(request.param)


@pytest.fixture
def openai_wire() -> ModuleType:
    """Canned answers of OpenAI's API: ``tests/e2e/wires/openai.py``."""
    return openai


@pytest.fixture
def anthropic_wire() -> ModuleType:
    """Canned answers of Anthropic's API: ``tests/e2e/wires/anthropic.py``."""
    return anthropic
