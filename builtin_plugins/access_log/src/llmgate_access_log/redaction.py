"""What must not be read in a log: keys and e-mail addresses, and whatever an operator adds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

SHOWN: Final = "[redacted]"
SHIPPED: Final = (
    r"(?i:\bbearer)\s{1,8}[^\s\"',;]+",
    r"\b(?i:sk|pk|rk|gsk|xai|key)[-_][A-Za-z0-9_-]{8,}",
    r"\bAIza[A-Za-z0-9_-]{20,}",
    r"\bA[KS]IA[A-Z0-9]{12,}",
    r"\bgh[a-z]_[A-Za-z0-9]{20,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}",
)
"""Bearer credentials, vendors' and code hosts' keys, signed tokens, e-mail addresses."""
_BEYOND: Final = 1024


class Redaction:
    """Replaces every match of the shipped patterns and of ``more``."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._patterns = tuple(re.compile(pattern) for pattern in (*SHIPPED, *more))

    def clean(self, text: str, longest: int) -> str:
        """``text`` without what must not be read, then cut to ``longest`` characters.

        A secret across the cut is found whole, because the search looks beyond it; a text of megabytes costs no more.
        """
        cut = len(text) > longest
        text = text[: longest + _BEYOND]
        for pattern in self._patterns:
            text = pattern.sub(SHOWN, text)
        return text[:longest] + "…" if cut or len(text) > longest else text
