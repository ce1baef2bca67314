"""The body's ``fallbacks``: a client's own list of targets, not trusted."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any, Final

from llmgate_core import Provider, Target
from llmgate_core.errors import InvalidRequest

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_.:/@+=,~-]{1,256}", re.ASCII)
_DOTS_ONLY: Final = frozenset({".", ".."})
FIELD: Final = "fallbacks"


def read_wishes(value: Any, providers: Mapping[str, Provider], most: int) -> tuple[Target, ...]:
    """The client's value → targets, in its order. Raises :class:`InvalidRequest` naming the field and what to write."""
    if not isinstance(value, list):
        raise _wrong('must be a list of "provider/model" strings', FIELD, "invalid_type")
    if len(value) > most:
        raise _wrong(f"has {len(value)} entries; at most {most} are allowed", FIELD, "invalid_value")
    return tuple(_read_one(entry, f"{FIELD}[{index}]", providers) for index, entry in enumerate(value))


def _read_one(entry: Any, place: str, providers: Mapping[str, Provider]) -> Target:
    if not isinstance(entry, str):
        raise _wrong('must be a string "provider/model"', place, "invalid_type")
    provider_name, _, model = entry.partition("/")
    provider = providers.get(provider_name)
    if provider is None:
        told = ", ".join(sorted(providers)) or "none"
        raise _wrong(
            f"{entry[:100]!r} is not 'provider/model' with a known provider (known: {told})", place, "invalid_value"
        )
    if not _acceptable(model, provider.models):
        raise _wrong(f"{entry[:100]!r} has no acceptable model name", place, "invalid_value")
    return Target(provider_name, model)


def _acceptable(model: str, known: Container[str]) -> bool:
    """A name the provider lists, or one of harmless characters: it may end up in a URL."""
    return bool(model) and (
        model in known or (_PLAIN_NAME.fullmatch(model) is not None and _DOTS_ONLY.isdisjoint(model.split("/")))
    )


def _wrong(reason: str, place: str, code: str) -> InvalidRequest:
    return InvalidRequest(f"the field {place!r} {reason}", code=code, param=place)
