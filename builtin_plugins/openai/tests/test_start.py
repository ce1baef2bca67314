"""What the start of a gateway loads of this plugin."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from llmgate_openai import ChatDialect
dialect = ChatDialect()
print(*sys.modules)
dialect.prepare()
print(*sys.modules)
"""


def test_translation_is_loaded_when_the_gateway_serves() -> None:
    """Not before the dialect is told to prepare: until then there is only what passes a request through."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    work = ("read_request", "read_response", "event_reader", "write_request", "write_response", "event_writer")
    translation = {f"llmgate_openai.{name}" for name in work}
    assert translation & before == set()
    assert translation <= after
