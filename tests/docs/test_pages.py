"""Every example of every page is played: what a page tells a reader to type has to work, and show what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import KNOWN, ROOT, RUN, Page, pages
from tests.docs.story import Story

MOST_NOT_RUN = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``story`` is each page that has something to run; ``page`` each page."""
    if "story" in metafunc.fixturenames:
        found = [page for page in pages() if any(block.language in RUN for block in page.blocks)]
        metafunc.parametrize("story", found, ids=lambda page: page.name)


@pytest.mark.llmgate_unguarded("blocking")
def test_examples_work(story: Page, tmp_path: Path) -> None:
    """The blocks of one page, from the top, in one folder with one gateway."""
    with Story(story, tmp_path) as played:
        played.play()


def test_few_blocks_are_not_run() -> None:
    """A block that cannot run says why; there are hardly any."""
    left_out = {str(block): block.not_run for page in pages() for block in page.blocks if block.not_run}
    assert len(left_out) <= MOST_NOT_RUN, left_out


def test_every_block_has_a_known_language() -> None:
    """A block without a language, or with an odd one, would be run by nobody."""
    odd = [f"{block} ({block.language!r})" for page in pages() for block in page.blocks if block.language not in KNOWN]
    assert odd == []


def test_every_mark_is_followed_by_a_block() -> None:
    """A comment that says what to do with a block stands right before one."""
    loose = {
        page.name: marks - blocks
        for page in pages()
        if (marks := page.text.count("<!-- file:") + page.text.count("<!-- not run:"))
        > (blocks := sum(1 for block in page.blocks if block.file or block.not_run))
    }
    assert loose == {}


def test_fragments_of_the_changelog_are_named_for_their_section() -> None:
    """A release finds what it moves by name: added, changed or fixed."""
    names = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    assert [name for name in names if not re.fullmatch(r"[\w-]+\.(added|changed|fixed)\.md", name)] == []


def test_readme_is_short() -> None:
    """Somebody who has just come reads all of it."""
    assert len(Page("README.md").text.splitlines()) <= 200
