"""Token counts, with one meaning for all dialects.

Never changed once made, like all values; not ``frozen``, because one is made for every request and that costs three times as
much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define

from .decisions import EMPTY


@define
class Usage:
    """``input_tokens`` includes cached reads and cache writes; ``output_tokens`` includes reasoning.

    None means the provider did not say; a zero it said stays zero. ``cache_write_5m_tokens`` and ``cache_write_1h_tokens``
    split ``cache_write_tokens`` by time to live. ``estimated`` marks counts that are not the provider's.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    estimated: bool = False
    extra: Mapping[str, Any] = EMPTY

    @property
    def total_tokens(self) -> int:
        """Input plus output, unknown counted as zero."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)
