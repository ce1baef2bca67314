"""What is generated is what the sources say today, and says it completely."""

from __future__ import annotations

import re

import pytest

from docs.generate.__main__ import CURE
from docs.generate.hooks import hooks
from docs.generate.metrics import families
from docs.generate.pages import PARTS, ROOT, written
from llmgate_core.hookspecs import kinds, signature
from tests.docs.pages import Page, pages


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Every generated page as it should be, by its path from the root."""
    return {str(path.relative_to(ROOT)): text for path, text in written().items()}


def test_generated_pages_are_fresh(made: dict[str, str]) -> None:
    """Reference pages, the README's hook table and the sources shown say what the code says."""
    stale = [name for name, text in made.items() if not Page(name).path.is_file() or Page(name).text != text]
    assert stale == [], f"run: {CURE}"


def test_every_generated_part_is_used() -> None:
    """Nothing is made that no page shows."""
    shown = {name for page in pages() for name in re.findall(r"<!-- generated: ([\w-]+) -->", page.text)}
    assert shown == set(PARTS)


def test_hook_table_of_the_readme_is_the_contract() -> None:
    """One row a hook, in the order of life, with its arguments and kind."""
    rows = re.findall(r"^\| `(llmgate_\w+)\(([^)]*)\)` \| \w+ \| (\w+) \|", Page("README.md").text, re.MULTILINE)
    told = [(name, {"arguments": arguments.split(", "), "kind": kind}) for name, arguments, kind in rows]
    assert told == [(name, signature(name)) for name in kinds()]


def test_every_hook_is_told_completely() -> None:
    """Each hook says when it runs, what it may return, what happens without it and when it raises."""
    lacking = {hook.name: {"When", "Returns", "Default", "Raises", "Since"} - hook.told.keys() for hook in hooks()}
    assert {name: labels for name, labels in lacking.items() if labels} == {}


def test_every_option_has_a_meaning(made: dict[str, str]) -> None:
    """No option of the reference stands there without a word, unless the text above its table has said it."""
    silent: list[str] = []
    heading = ""
    for line in made["docs/reference/config.md"].splitlines():
        if line.startswith("#"):
            heading = line
        elif re.match(r"\| `\w+` .*\|  \|$", line) and heading.startswith(("## ", "### `")):
            silent.append(f"{heading}: {line}")
    assert silent == []


def test_metrics_of_the_page_are_in_a_scrape() -> None:
    """The page is made out of a real scrape, and that has the gateway's own families."""
    names = {family.name for family in families()}
    shown = set(re.findall(r"^\| `(llmgate_\w+?)(?:_total)?` ", Page("docs/reference/metrics.md").text, re.MULTILINE))
    assert shown == {name for name in names if name.startswith("llmgate_")}
    assert {"llmgate_requests", "llmgate_overhead_seconds", "llmgate_key_state"} <= shown
