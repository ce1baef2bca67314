"""Keeping secrets out of what is shown: a known one by its type, a likely one by its name or its looks."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

MASK: Final = "********"
_SECRET_NAME: Final = re.compile(
    r"(^|[-_])(auth|authorization|cookie|credentials?|dsn|passw(or)?d|secret|token|(api[-_]?|access[-_]?)?keys?)$",
    re.IGNORECASE,
)
_LOOKS: Final = (
    (re.compile(r"\b(bearer|basic)\s+[^\s'\",]+", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(://)[^/\s@]+@"), rf"\1{MASK}@"),
    (
        re.compile(r"([?&](?:[\w-]*key|[\w-]*token|secret|sig|signature|password)=)[^&\s'\"]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{6,}"), MASK),
    # a long run of letters and digits is a key; names of models and variables have separators, words have no digits
    (re.compile(r"\b(?=[a-zA-Z]*\d)(?=\d*[a-zA-Z])[a-zA-Z0-9]{20,}"), MASK),
)


def mask_text(text: str) -> str:
    """``text`` without whatever looks like a key."""
    for pattern, instead in _LOOKS:
        text = pattern.sub(instead, text)
    return text


def masked(value: Any, name: str = "") -> Any:
    """Any configuration value as plain dicts, lists and scalars, secrets masked. ``name`` is the field it stands in.

    A secret read from a variable or a file shows where from: that is what the config says, and no secret.
    """
    from llmgate_core import KeyConfig, Secret

    if isinstance(value, Secret):
        return _source(value) or MASK
    if isinstance(value, KeyConfig):
        source = _source(value.secret) or {"value": MASK}
        options = {
            field.name: getattr(value, field.name) for field in attrs.fields(KeyConfig) if field.name != "secret"
        }
        return {**source, **masked(options)}
    if attrs.has(type(value)):
        return masked({field.name: getattr(value, field.name) for field in attrs.fields(type(value))})
    if isinstance(value, Mapping):
        return {str(key): masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [masked(item, name) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return mask_text(text) if isinstance(value, Path) or not _SECRET_NAME.search(name) or not text else MASK


def _source(secret: Any) -> dict[str, str] | None:
    kind, _, where = secret.source.partition(" ")
    return {kind: where} if kind in {"env", "file"} and where else None


class MaskingFormatter(logging.Formatter):
    """One line per record (and its traceback), keys masked, whoever logged it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return mask_text(super().format(record))
