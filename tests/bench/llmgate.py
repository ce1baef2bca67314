"""A real `llmgate serve` with the standard plugin set on."""

from __future__ import annotations

import sys
from pathlib import Path

from .processes import HOST, Program, free_port

CLIENT_KEY = "sk-bench-3f7a1c90d2b84e65"
CONFIG = """\
[providers.openai]
base_url = "http://{host}:{upstream}/v1"
keys = ["sk-upstream-one-5d1f", "sk-upstream-two-9b3c"]

[plugins.auth]
enabled = true
keys = [{{ name = "bench", key = "{key}" }}]
"""


class LLMGate:
    """One worker. Its JSON access log goes to a file, as everything it prints."""

    def __init__(self, folder: Path, core: int | None, upstream: int) -> None:
        self.port = free_port()
        file = folder / "llmgate.toml"
        file.write_text(CONFIG.format(host=HOST, upstream=upstream, key=CLIENT_KEY))
        command = [Path(sys.executable).parent / "llmgate", "serve", "-c", file, "--port", str(self.port)]
        self.program = Program("llmgate", command, folder / "llmgate.log", self.port, core=core)
