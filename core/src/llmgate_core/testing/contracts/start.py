"""The part of the dialect contract about the start: what can wait is not loaded before connections are accepted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from typing import ClassVar

from llmgate_core.dialect import Dialect

from .base import DialectSamples

CODE = """
import sys
sys.path[:] = {path!r}
from {module} import {name}
dialect = {name}()
print(*sys.modules)
dialect.prepare()
print(*sys.modules)
"""


class StartContract(DialectSamples):
    """For a dialect with a ``prepare()``, beside the ``DialectContract``; its class is made without arguments.

    ``loads_late`` names modules that ``prepare()`` loads, and nothing before it.
    """

    loads_late: ClassVar[Collection[str]]

    def test_what_can_wait_is_loaded_by_prepare(self, dialect: Dialect) -> None:
        """In a fresh process a dialect that is only made has loaded none of these, and all of them once it is prepared."""
        cls = type(dialect)
        code = CODE.format(path=sys.path, module=cls.__module__, name=cls.__name__)
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # all of it is made here
        made, prepared = (set(line.split()) for line in done.stdout.splitlines())
        late = set(self.loads_late)
        assert not late & made, f"loaded before prepare(): {', '.join(sorted(late & made))}"
        assert late <= prepared, f"not loaded by prepare(): {', '.join(sorted(late - prepared))}"
