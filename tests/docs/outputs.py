"""What a page shows, held against what was printed: ``…`` stands for anything, alone on its line for any number of lines."""

from __future__ import annotations

import re

ANY = "…"


def agrees(shown: str, printed: str) -> bool:
    """Whether ``printed`` is what ``shown`` says. Space at the ends of lines does not count."""
    wanted = [line.rstrip() for line in shown.strip("\n").splitlines()]
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == ANY else f"{_line(line)}\n" for line in wanted)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def _line(line: str) -> str:
    return ".*".join(re.escape(piece) for piece in line.split(ANY))
