"""What must not stand in a committed text: a vendor in core, a registry's host, a path of one machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Member

VENDORS = re.compile(
    r"openai|anthropic|gemini|bedrock|cohere|mistral|claude|\bgpt|azure|vertex|groq|ollama|deepseek|together\.\w",
    re.IGNORECASE,
)
REGISTRY = re.compile(r'https?://[^ "]*/(simple|packages)(/|"|$)|https?://(registry|files|static|proxy|deb|index)\.')


@pytest.fixture(scope="module")
def texts(committed: list[Path], root: Path) -> dict[str, str]:
    """Every committed text by its path from the root."""
    found = {}
    for path in committed:
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(root))] = content.decode()
    return found


def matches(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    """`path:line` of every line that matches."""
    return [
        f"{name}:{number} {line.strip()[:80]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_core_names_no_vendor(core: Member) -> None:
    """Core's sources know no provider and no model, not even in a comment or an example."""
    sources = {module.name: module.path.read_text() for module in core.modules()}
    assert matches(VENDORS, sources) == []


def test_no_registry_is_named(texts: dict[str, str]) -> None:
    """Which index a machine uses is that machine's business."""
    assert matches(REGISTRY, texts) == []


def test_no_path_of_this_machine_is_named(texts: dict[str, str], root: Path) -> None:
    """Neither this checkout's folder nor a person's home stands in a text."""
    places = {f"{re.escape(str(place))}/" for place in (root, Path.home()) if place != Path("/")}
    assert matches(re.compile("|".join(sorted(places | {r"/(?:home|Users)/\w+/", r"/roo[t]/"}))), texts) == []


def test_lock_pins_by_hash_and_names_no_host(texts: dict[str, str]) -> None:
    """Each requirement in a lock has its version and a hash, and no lock has a URL."""
    for name in ("requirements.lock", ".ci/uv.txt"):
        entries = re.split(r"\n(?=\S)", texts[name].strip())
        assert [e for e in entries if not re.match(r"[\w.-]+==\S+.*?\\\n    --hash=sha256:", e)] == []
        assert "://" not in texts[name]


def test_index_lock_of_uv_is_not_committed(committed: list[Path], root: Path) -> None:
    """uv.lock names index URLs; requirements.lock is the one that is committed."""
    assert root / "uv.lock" not in committed


@pytest.mark.parametrize("rest", ["registry.example/x", "pkg.example/simple/attrs"])
def test_rule_knows_a_registry_when_it_sees_one(rest: str) -> None:
    """The pattern finds a host by its usual first label and an index by its usual path."""
    assert matches(REGISTRY, {"x": f"see https://{rest}"}) != []
