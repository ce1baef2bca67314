"""Links lead somewhere: to a file of this repository, to a heading in it, or, by a full address, elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.docs.pages import ROOT, Page, pages

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def links() -> Iterator[tuple[Page, str]]:
    """Every link of every page that leads into this repository."""
    for page in pages():
        for target in LINK.findall(re.sub(r"`[^`\n]*`", "", page.prose)):
            if "://" not in target and not target.startswith("mailto:"):
                yield page, target


def test_links_lead_to_files() -> None:
    """What is linked is there."""
    dead = []
    for page, target in links():
        place = target.partition("#")[0]
        if place and not (page.path.parent / place).exists():
            dead.append(f"{page.name}: {target}")
    assert dead == []


def test_links_lead_to_headings() -> None:
    """What stands behind ``#`` is a heading of that page."""
    dead = []
    for page, target in links():
        place, _, anchor = target.partition("#")
        there = (page.path.parent / place).resolve() if place else page.path
        if anchor and there.suffix == ".md" and anchor not in Page(str(there.relative_to(ROOT))).anchors:
            dead.append(f"{page.name}: {target}")
    assert dead == []


def test_links_stay_inside() -> None:
    """A relative link does not leave the repository."""
    outside = [f"{page.name}: {target}" for page, target in links() if not _inside(page, target)]
    assert outside == []


def test_every_page_can_be_reached() -> None:
    """From the README, by links alone."""
    known = {page.path.resolve(): page for page in pages()}
    leads: dict[Page, set[Page]] = {}
    for page, target in links():
        there = known.get((page.path.parent / target.partition("#")[0]).resolve())
        leads.setdefault(page, set()).update({there} if there else set())
    reached: set[Page] = set()
    waiting = [Page("README.md")]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += leads.get(page, ())
    assert sorted(page.name for page in set(known.values()) - reached) == []


def _inside(page: Page, target: str) -> bool:
    return (page.path.parent / target.partition("#")[0]).resolve().is_relative_to(ROOT)
