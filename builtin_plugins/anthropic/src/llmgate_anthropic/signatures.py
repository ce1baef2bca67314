"""Whose thinking it is. Another dialect's signature goes to our clients with its owner's name in front, and comes back so.

Without that the client's next request would hand this API a signature it cannot verify, which it refuses.
"""

from __future__ import annotations

import re
from typing import Final

from llmgate_core.messages import Thinking

from .checks import NAME

_TAG: Final = "llmgate:"
_FOREIGN: Final = re.compile(rb'"signature"\s*:\s*"(?:"|llmgate:)')


def outward(thinking: Thinking) -> str:
    """The signature as a client of this dialect gets it; empty when there is none."""
    if not thinking.signature or thinking.dialect in (NAME, None):
        return thinking.signature or ""
    return f"{_TAG}{thinking.dialect}:{thinking.signature}"


def inward(signature: str | None) -> tuple[str | None, str]:
    """A client's signature → the signature itself, and the dialect it belongs to."""
    if signature is None or not signature.startswith(_TAG):
        return signature, NAME
    dialect, _, own = signature.removeprefix(_TAG).partition(":")
    return own, dialect


def has_foreign(body: bytes) -> bool:
    """Whether a request's bytes hold thinking that this API would refuse. Quotes in text are escaped: no false alarm."""
    return b'"signature"' in body and _FOREIGN.search(body) is not None
