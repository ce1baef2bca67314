"""Write what is generated in the documentation anew: ``python -m docs.generate`` in the root; ``--check`` only looks."""

from __future__ import annotations

import sys

from .pages import ROOT, written

CURE = "python -m docs.generate"


def main() -> int:
    """The exit code: 1 when something was (or, with ``--check``, is) out of date."""
    stale = {path: text for path, text in written().items() if not path.is_file() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        sys.stdout.write(f"{'stale' if '--check' in sys.argv else 'wrote'} {path.relative_to(ROOT)}\n")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
