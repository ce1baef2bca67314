"""``[plugins.access_log]``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from attrs import define, field


def _at_least(least: int) -> Any:
    def check(_: Any, attribute: Any, value: int) -> None:
        if value < least:
            raise ValueError(f"{attribute.name} must be at least {least}, not {value}")

    return check


@define
class AccessLogConfig:
    """``[plugins.access_log]``. Sizes are bytes, ``max_content`` is characters of one message.

    Without ``file`` lines go to standard output. ``redact`` are regular expressions whose matches are not shown, besides the
    shipped ones for keys and e-mail addresses.
    """

    file: Path | None = None
    max_bytes: int = field(default=100 * 1024 * 1024, validator=_at_least(4096))
    backups: int = field(default=5, validator=_at_least(0))
    max_pending: int = field(default=16 * 1024 * 1024, validator=_at_least(65536))
    content: bool = False
    max_content: int = field(default=4000, validator=_at_least(1))
    redact: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for number, pattern in enumerate(self.redact):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"redact[{number}]: {pattern!r} is no regular expression: {error}") from None
