"""What each generation of models accepts, as far as a translated request must know it.

Source: the vendor's model pages and migration guides. A model's name says its family and version; a family or version that
is newer than this table is taken for the newest one known. Another vendor's model (a compatible server) gets the plain set.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from attrs import evolve, frozen

Thinking = Literal["none", "budget", "adaptive"]
Off = Literal["omit", "disabled", "between_tools", "never"]
Version = tuple[int, int]

_NAME: Final = re.compile(
    r"claude-(?:(?P<before>[a-z]+)-)?(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?(?:-(?P<after>[a-z]+))?"
)
_ALWAYS_THINKING: Final = frozenset({"fable", "mythos"})
_MOST_KNOWN: Final = 1024
_NEWEST: Final[Version] = (99, 0)


@frozen
class Capabilities:
    """``thinking`` is how it is asked for, ``off`` how it is switched off (``never``: it cannot be).

    ``efforts`` are the words of ``output_config.effort``, in rising order; ``structured`` is ``output_config.format``;
    ``forced_with_thinking`` whether a tool may be forced while the request asks for thinking.
    """

    max_output: int = 8192
    thinking: Thinking = "budget"
    off: Off = "omit"
    efforts: tuple[str, ...] = ()
    structured: bool = False
    prefill: bool = True
    sampling: bool = True
    temperature_and_top_p: bool = True
    forced_tools: bool = True
    forced_with_thinking: bool = False
    mid_system: bool = False


class KnownModels:
    """What models accept, found out once for each name."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, Capabilities] = {}

    def able(self, model: str) -> Capabilities:
        """See :func:`capabilities`."""
        found = self._known.get(model)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:  # names may be the clients' own
                self._known.clear()
            found = self._known[model] = capabilities(model)
        return found


def capabilities(model: str) -> Capabilities:
    """What ``model`` accepts, by its name (also with a platform's prefix, a date, or a version suffix)."""
    if "claude" not in model:
        return Capabilities()
    found = _NAME.search(model)
    if found is None:
        family, version = ("mythos", (4, 8)) if "mythos" in model else ("", _NEWEST)
    else:
        family = found["before"] or found["after"] or ""
        version = (int(found["major"]), int(found["minor"] or 0))
    return _of_version(family, version)


def _of_version(family: str, version: Version) -> Capabilities:
    if version < (4, 6):
        old = _of_old(family, version)
        return evolve(old, structured=version >= (4, 5), temperature_and_top_p=version < (4, 1))
    return Capabilities(
        max_output=128_000,
        thinking="adaptive",
        off=_off(family, version),
        efforts=("low", "medium", "high", "xhigh", "max") if version >= (4, 7) else ("low", "medium", "high", "max"),
        structured=True,
        prefill=False,
        sampling=version < (4, 7),
        temperature_and_top_p=False,
        forced_tools=not _refuses_forced_tools(family, version),
        forced_with_thinking=version >= (5, 0),
        mid_system=version >= (4, 8),
    )


def _of_old(family: str, version: Version) -> Capabilities:
    if version >= (3, 7):
        small = family == "opus" and version < (4, 5)
        return Capabilities(max_output=32_000 if small else 64_000)
    return Capabilities(max_output=8192 if version >= (3, 5) else 4096, thinking="none")


def _off(family: str, version: Version) -> Off:
    if family in _ALWAYS_THINKING or (family == "opus" and version >= (5, 5)):
        return "never"
    if version < (5, 0):
        return "omit"
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"


def _refuses_forced_tools(family: str, version: Version) -> bool:
    if family in _ALWAYS_THINKING:
        return version >= (5, 1)
    return family in {"opus", "sonnet"} and version >= (5, 5)
