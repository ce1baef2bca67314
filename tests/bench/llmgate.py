"""A real `llmgate serve` with the standard plugin set on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from .contestants import Address, Scene
from .processes import Failed, Program, free_port
from .workloads import Kind

CLIENT_KEY = "sk-bench-3f7a1c90d2b84e65"
PROVIDERS: dict[Kind, str] = {"plain": "openai", "tls": "secure", "streams": "streaming"}
CONFIG = """\
[gateway]
disable = {others}
busy_poll = {busy_poll}

[plugins.access_log]
file = "{log}"

[plugins.auth]
enabled = true
keys = [{{ name = "bench", key = "{key}" }}]
"""
PROVIDER = """
[providers.{name}]
type = "openai"
base_url = "{url}/v1"
keys = ["sk-upstream-one-5d1f", "sk-upstream-two-9b3c"]
"""
SCRIPT = Path(sys.executable).parent / "llmgate"


class LLMGate:
    """Checks a client key, rotates two keys of the provider's, logs a JSON line per request to a file, counts metrics."""

    name = "llmgate"
    most_connections = 4096

    def __init__(self, scene: Scene, *, workers: int = 1, more: str = "", busy_poll: float = 0.0) -> None:
        if busy_poll:
            self.name = f"llmgate, busy_poll = {busy_poll:g}"
        self.port = free_port()
        file = scene.folder / f"llmgate-{self.port}.toml"
        text = CONFIG.format(
            busy_poll=busy_poll, key=CLIENT_KEY, others=json.dumps(others()), log=file.with_suffix(".access.log")
        )
        for kind, name in PROVIDERS.items():
            text += PROVIDER.format(name=name, url=scene.upstream.base_url(kind))
        file.write_text(text + more)
        command = [SCRIPT, "serve", "-c", file, "--port", str(self.port), "--workers", str(workers)]
        environment = {**os.environ, "SSL_CERT_FILE": str(scene.upstream.authority)}
        log = file.with_suffix(".log")
        self._program = Program(
            self.name, [str(word) for word in command], log, self.port, core=scene.gateway_core, env=environment
        )
        self.pid = self._program.pid
        self.start_seconds = self._program.start_seconds
        self.version = metadata.version("llmgate-core")
        self.plugins = plugins_on(file)

    def address(self, kind: Kind) -> Address:
        """The model's name says which face."""
        headers = {"authorization": f"Bearer {CLIENT_KEY}"}
        return Address(self.port, f"{PROVIDERS[kind]}/gpt-4o-mini", headers)

    def stop(self) -> None:
        """End it."""
        self._program.stop()


def plugins_on(config: Path) -> list[str]:
    """``name version`` of every plugin that this config has switched on."""
    asked = subprocess.run(
        [SCRIPT, "plugin", "list", "--json", "-c", config], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise Failed(f"`llmgate plugin list` ended with {asked.returncode}:\n{asked.stderr}")
    return [f"{plugin['name']} {plugin['version']}" for plugin in json.loads(asked.stdout) if plugin["enabled"]]


def others() -> list[str]:
    """Installed plugins that do not belong to the standard set."""
    wanted = {re.split(r"[^\w-]", requirement)[0] for requirement in metadata.requires("llmgate-standard") or ()}
    found = metadata.entry_points(group="llmgate")
    return sorted(entry.name for entry in found if entry.dist is not None and entry.dist.name not in wanted)
