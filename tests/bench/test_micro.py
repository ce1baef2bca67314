"""The benchmark of the whole way goes the whole way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WAY = Path(__file__).parent / "micro" / "way.py"


def test_requests_without_a_network() -> None:
    """As many as asked for, in rounds of 32, and nothing is complained of."""
    done = subprocess.run([sys.executable, WAY, "--count", "100"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "128 requests, after 640 to warm up\n", "")
