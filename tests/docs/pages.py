"""The pages of the documentation, as blocks of code that a test can run.

A comment before a block says what is to be done with it, where that is not the usual:

    <!-- file: my_thing/README.md -->     it is the content of this file, in the page's own folder
    <!-- not run: needs a daemon -->      it cannot run here; the reason is for the reader of the source

What stands between ``<!-- generated: x -->`` and ``<!-- end of generated -->`` is made out of the sources, and is no block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from attrs import frozen

ROOT: Final = Path(__file__).resolve().parents[2]
FENCE: Final = re.compile(
    r"(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
MARK: Final = re.compile(r"<!-- (?P<word>file|not run): (?P<what>.+?) -->\s*\Z")
GENERATED: Final = re.compile(r"<!-- generated: [\w-]+ -->.*?<!-- end of generated -->", re.DOTALL)
RUN: Final = frozenset({"python", "toml", "bash", "console"})
"""Languages of which every block is run or checked."""
KNOWN: Final = RUN | {"text", "json", "ini", "dockerfile", "nginx", "yaml"}


@frozen
class Block:
    """One fenced block. ``line`` is where it begins; ``file`` and ``not_run`` are what its mark says, or None."""

    page: str
    line: int
    language: str
    text: str
    file: str | None = None
    not_run: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@frozen(slots=False)
class Page:
    """One page by its path from the root."""

    name: str

    @property
    def path(self) -> Path:
        """Where it is."""
        return ROOT / self.name

    @cached_property
    def text(self) -> str:
        """Its Markdown."""
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """Its Markdown without fenced blocks and comments, line for line."""
        empty = FENCE.sub(lambda found: "\n" * found[0].count("\n"), self.text)
        return re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), empty, flags=re.DOTALL)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its fenced blocks, from the top."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        written = GENERATED.sub(lambda found: "\n" * found[0].count("\n"), self.text)
        for found in FENCE.finditer(written):
            before = written[: found.start()]
            mark = MARK.search(before)
            told = {mark["word"].replace(" ", "_"): mark["what"]} if mark else {}
            indent = found["indent"]
            text = "".join(line.removeprefix(indent) for line in found["text"].splitlines(keepends=True))
            yield Block(self.name, before.count("\n") + 1, found["language"], text, **told)

    @cached_property
    def anchors(self) -> frozenset[str]:
        """What a link may name behind ``#``: the headings, as GitHub spells them."""
        found: dict[str, int] = {}
        anchors = set()
        for heading in re.findall(r"^#+ +(.+?) *$", self.prose, re.MULTILINE):
            plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
            number = found.setdefault(plain, 0)
            anchors.add(f"{plain}-{number}" if number else plain)
            found[plain] += 1
        return frozenset(anchors)


def pages() -> list[Page]:
    """Every page that this folder's tests answer for. READMEs of plugins are tested where they stand."""
    tops = [name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") if (ROOT / name).exists()]
    return [Page(name) for name in [*tops, *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]]
