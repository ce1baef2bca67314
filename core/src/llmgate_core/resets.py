"""When an exhausted limit comes back, out of everything providers put into headers.

In order: ``retry-after-ms`` (the official SDKs obey it first), ``retry-after`` (seconds or an HTTP date, RFC 9110 10.2.3), and
the dialect's own reset headers (seconds, Go durations such as ``6m0s`` or ``20ms``, RFC 3339 times), of which the largest
counts. What is not a plain finite number is ignored, and nothing is longer than an hour: a header must not switch a
provider off for a day.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 3600.0
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_GO_DURATION: Final = re.compile(
    r"(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?", re.ASCII
)


def seconds_until_reset(
    headers: Mapping[str, str], reset_headers: Sequence[str], *, limited: bool, now: float | None = None
) -> float | None:
    """Seconds to wait, in [0, 3600]; None when nothing usable is said. ``reset_headers`` count only when ``limited``."""
    now = time.time() if now is None else now
    wait = _number(headers.get("retry-after-ms"))
    if wait is not None:
        return _clamped(wait / 1000)
    told = headers.get("retry-after")
    if told is not None:
        wait = _number(told)
        if wait is None:
            wait = _until_date(told, now)
        if wait is not None:
            return _clamped(wait)
    if not limited:
        return None
    resets = [
        reset for name in reset_headers if (reset := parse_reset(headers.get(name), now)) is not None and reset > 0
    ]
    return _clamped(max(resets)) if resets else None


def parse_reset(text: str | None, now: float) -> float | None:
    """One reset header → seconds from ``now``: a number, a Go duration, or an RFC 3339 time."""
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    match = _GO_DURATION.fullmatch(text.strip())
    if match and any(match.groups()):
        hours, minutes, secs, millis = (float(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + secs + millis / 1000
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now


def _number(text: str | None) -> float | None:
    return float(text.strip()) if text and _NUMBER.fullmatch(text.strip()) else None


def _until_date(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


def _clamped(seconds: float) -> float:
    return min(LONGEST, max(0.0, seconds))
