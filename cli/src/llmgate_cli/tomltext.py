"""Writing TOML in the shape people write it: a header for ``[gateway]`` and each ``[kind.name]``, inline below.

(The ``toml`` package cannot: a list of strings and tables, which lists of targets are, makes it fail.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x7f-\x9f]")


def document(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """``{"gateway": {…}, "providers": {"name": {…}}, …}`` as TOML. None is left out: TOML has no word for it."""
    lines: list[str] = []
    for kind, section in sections.items():
        tables = {(kind,): section} if kind == "gateway" else {(kind, name): table for name, table in section.items()}
        for path, table in tables.items():
            lines += [f"[{'.'.join(map(key, path))}]"]
            lines += [f"{key(name)} = {value(item)}" for name, item in table.items() if item is not None]
            lines.append("")
    return "\n".join(lines)


def key(name: str) -> str:
    """A key, quoted when it must be."""
    return name if _BARE.fullmatch(name) else _string(name)


def value(item: Any) -> str:
    """One value on one line."""
    if isinstance(item, str):
        return _string(item)
    if isinstance(item, Mapping):
        pairs = ", ".join(f"{key(name)} = {value(inner)}" for name, inner in item.items() if inner is not None)
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(item, (list, tuple)):
        return f"[{', '.join(value(inner) for inner in item if inner is not None)}]"
    if isinstance(item, bool):
        return "true" if item else "false"
    return repr(item)


def _string(text: str) -> str:
    """A basic string. JSON's escapes are TOML's, but for the control characters that JSON lets stand."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))
