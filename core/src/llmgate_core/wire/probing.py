"""Has a client left, or only closed its sending side? Only writing to it tells, and only the second time.

The first write meets a closed socket and draws a reset; the next one fails on it. So something that means nothing to a
client that still reads is written at once, again shortly after, and then ever more rarely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

FIRST_DELAY: Final = 0.05
LONGEST_DELAY: Final = 15.0


def keep_probing(loop: asyncio.AbstractEventLoop, probe: Callable[[], bool], delay: float = FIRST_DELAY) -> None:
    """Call ``probe`` now and at growing intervals, until it says False: nobody waits for an answer any more."""
    if probe():
        loop.call_later(delay, keep_probing, loop, probe, min(2 * delay, LONGEST_DELAY))
