"""The one word that names a plugin everywhere, and what a new one may be."""

from __future__ import annotations

import keyword
import re
from typing import Final

from attrs import frozen

from .output import ConfigFailure

_NAME: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
TAKEN: Final = frozenset({"core", "cli", "standard", "testing"})
LONGEST: Final = 40


@frozen
class Word:
    """``my_thing``: the folder, the entry point, and the section of the config."""

    word: str

    @property
    def dashed(self) -> str:
        """``my-thing``, as distributions are spelled."""
        return self.word.replace("_", "-")

    @property
    def distribution(self) -> str:
        """``llmgate-my-thing``."""
        return f"llmgate-{self.dashed}"

    @property
    def package(self) -> str:
        """``llmgate_my_thing``."""
        return f"llmgate_{self.word}"

    @property
    def camel(self) -> str:
        """``MyThing``, as classes are spelled."""
        return "".join(part.capitalize() for part in self.word.split("_"))


def new_word(name: str) -> Word:
    """The word for a new plugin. Raises :class:`ConfigFailure` saying why it cannot be one."""
    if name.startswith(("llmgate-", "llmgate_")):
        raise ConfigFailure(f"{name!r}: leave out the prefix, it comes by itself: {name[len('llmgate-') :]!r}")
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        told = f"lower-case letters and digits, parted by single dashes, a letter first, at most {LONGEST} characters"
        raise ConfigFailure(f"{name[:100]!r} cannot be a plugin's name: {told}; say my-thing")
    word = name.replace("-", "_")
    if word in TAKEN or keyword.iskeyword(word):
        raise ConfigFailure(f"{name!r} cannot be a plugin's name: it means something else already; choose another")
    return Word(word)
