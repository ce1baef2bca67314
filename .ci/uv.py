"""Run uv as pip would run here: `python3 .ci/uv.py ARGS`.

uv is fetched by pip into `.tools`, pinned by hash in `.ci/uv.txt`. It does not read pip's configuration, so the index,
the links and the certificate that pip uses on this machine are handed to it as environment variables, for one run:
nothing about an index is written down. A variable of uv's own that is already set wins.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
PIN = ROOT / ".ci" / "uv.txt"
UV = TOOLS / "bin" / "uv"
PIP = (sys.executable, "-m", "pip")
NO_PIP = (
    "python3 at {0} has no pip, which is needed once to fetch uv. Install it "
    "(Debian, Ubuntu: apt-get install python3-pip; elsewhere: {0} -m ensurepip) and try again."
)


def main() -> None:
    """Fetch uv when it is not there, then become it."""
    settings = pip_settings()
    if not (TOOLS / f"uv-{pinned_version()}.dist-info").is_dir() or not UV.exists():
        fetch()
    os.execve(UV, [str(UV), *sys.argv[1:]], {**os.environ, **uv_environment(settings)})  # noqa: S606 - becomes uv


def pinned_version() -> str:
    """The version of uv in `.ci/uv.txt`."""
    match = re.search(r"^uv==(\S+)", PIN.read_text(), re.MULTILINE)
    if match is None:
        sys.exit(f"{PIN}: no line 'uv==VERSION'; restore the file from git")
    return match.group(1)


def fetch() -> None:
    """Install uv into `.tools`, past settings of pip that forbid or redirect `--target`."""
    command = [*PIP, "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location", "--upgrade"]
    command += ["--target", str(TOOLS), "--require-hashes", "-r", str(PIN)]
    over = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run(command, env={**os.environ, **over}, check=False).returncode:
        sys.exit("pip could not fetch uv (its message is above). The README has one line of pip that does without.")


def pip_settings() -> dict[str, str]:
    """pip's settings by bare name; the environment wins over `[install]`, and that over `[global]`."""
    command = [*PIP, "--disable-pip-version-check", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in listing.stderr:
        sys.exit(NO_PIP.format(sys.executable))
    rows = [line.split("=", 1) for line in listing.stdout.splitlines() if "=" in line]
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        found.update({k[len(section) :]: str(ast.literal_eval(v)) for k, v in rows if k.startswith(section)})
    return found


def uv_environment(settings: dict[str, str]) -> dict[str, str]:
    """The variables that make uv use what pip uses. Folders that are not there are left out: uv refuses them."""
    links = [x for x in settings.get("find-links", "").split() if "://" in x or Path(x).is_dir()]
    wanted = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_EXTRA_INDEX_URL": " ".join(settings.get("extra-index-url", "").split()),
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", "").split()),
        "UV_FIND_LINKS": ",".join(links),
        "SSL_CERT_FILE": settings.get("cert", ""),
        "ALL_PROXY": settings.get("proxy", ""),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }
    if "UV_INDEX_URL" in os.environ:
        del wanted["UV_DEFAULT_INDEX"]
    return {name: value for name, value in wanted.items() if value and name not in os.environ}


if __name__ == "__main__":
    main()
