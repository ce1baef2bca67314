"""A vendor-free dialect with its providers, so that a test of a plugin needs no other plugin.

The wire *is* the canonical form: ``POST /plain/chat`` takes a :class:`~llmgate_core.messages.ChatRequest` as JSON and gives a
:class:`~llmgate_core.messages.ChatResponse`, or canonical events as server-sent events. ``say()`` makes what a client sends,
``told()`` what a provider answers.
"""

from __future__ import annotations

from .dialect import PlainDialect
from .plugin import ParrotProvider, PlainPlugin, PlainProvider
from .samples import said, say, told, told_stream

__all__ = (
    "ParrotProvider",
    "PlainDialect",
    "PlainPlugin",
    "PlainProvider",
    "said",
    "say",
    "told",
    "told_stream",
)
