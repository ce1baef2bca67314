"""The compiled twins of the hottest pieces, where ``llmgate-native`` is installed and built; otherwise None.

Each twin does what the Python beside it does, only sooner: nothing depends on it. ``LLMGATE_PURE=1`` in the environment does
without.
"""

from __future__ import annotations

try:
    from llmgate_native import native
except ImportError:
    native = None

__all__ = ["native"]
