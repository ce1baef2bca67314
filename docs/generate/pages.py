"""Which texts are made by whom: whole pages of the reference, and parts of other pages between two marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from . import chains, cli, config, errors, hooks, metrics, paths

ROOT: Final = Path(__file__).resolve().parents[2]
PART: Final = re.compile(
    r"(?P<head><!-- generated: (?P<name>[\w-]+) -->\n).*?(?P<tail><!-- end of generated -->)", re.DOTALL
)
WHOLE: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "docs/reference/hooks.md": hooks.page,
        "docs/reference/config.md": config.page,
        "docs/reference/cli.md": cli.page,
        "docs/reference/metrics.md": metrics.page,
        "docs/reference/errors.md": errors.page,
    }
)
PARTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "hook-table": hooks.full_table,
        "handle": chains.handle,
        "compiled-chain": chains.compiled_chain,
        "compiled-observers": chains.compiled_observers,
        "paths": paths.table_of_paths,
    }
)


def written() -> dict[Path, str]:
    """Every file that has something generated, as it should be."""
    found = {ROOT / name: make() for name, make in WHOLE.items()}
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]:
        if path not in found and PART.search(path.read_text("utf-8")):
            found[path] = filled(path.read_text("utf-8"))
    return found


def filled(text: str) -> str:
    """``text`` with its generated parts made anew. Raises KeyError for a part that nobody makes."""
    return PART.sub(lambda found: f"{found['head']}{PARTS[found['name']]().strip()}\n{found['tail']}", text)
