"""The hottest pieces of llmgate-core, compiled. llmgate-core has each of them in Python too and does without this package.

``native`` is the extension module, None where it was not built or where ``LLMGATE_PURE`` is set in the environment.
"""

from __future__ import annotations

import os
from types import ModuleType

native: ModuleType | None = None
if not os.environ.get("LLMGATE_PURE"):
    try:
        from . import _native as native
    except ImportError:
        native = None

__all__ = ["native"]
