"""docs/explanation/benchmarks.md: the part between two marks is replaced by what was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from . import picture, report
from .processes import ROOT, Failed
from .rounds import Outcome, Plan
from .summary import rows

PAGE: Final = ROOT / "docs" / "explanation" / "benchmarks.md"
PICTURE: Final = ROOT / "docs" / "images" / "benchmarks.svg"
MEASURED: Final = re.compile(r"(<!-- measured -->\n).*(<!-- end of measured -->)", re.DOTALL)


def about(outcome: Outcome, plan: Plan, facts: dict[str, str]) -> str:
    """On what, with what, how often."""
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    return (
        f"Machine: {', '.join(f'{name} {value}' for name, value in facts.items())}.\n"
        f"Measured: {versions}; {plan.rounds} rounds of {plan.seconds:g} s; least–median–most over the rounds.\n"
        f"Plugins of llmgate that were on: {', '.join(outcome.plugins)}."
    )


def write(outcome: Outcome, about: str) -> list[Path]:
    """Put tables and picture in their places; where these are."""
    text = PAGE.read_text()
    if not MEASURED.search(text):
        raise Failed(f"{PAGE} has no part between <!-- measured --> and <!-- end of measured -->")
    measured = f"\n{report.tables(outcome)}\n\n{about}\n\n"
    PAGE.write_text(MEASURED.sub(lambda found: found[1] + measured + found[2], text))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture.draw(rows(outcome.readings)))
    return [PAGE, PICTURE]
