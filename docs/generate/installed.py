"""The standard set: what the reference is about, whatever else is installed on this machine."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from llmgate_cli.order import DEFAULT_ORDER
from llmgate_core.config import make_config
from llmgate_core.gateway import Gateway
from llmgate_core.plugins import Found, discover
from llmgate_core.startup import build_gateway

ROOT: Final = Path(__file__).resolve().parents[2]


@cache
def standard() -> tuple[Found, ...]:
    """The plugins that ``llmgate-standard`` depends on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {requirement.partition(">")[0] for requirement in project["dependencies"]}
    return tuple(one for one in discover() if one.distribution in names)


def gateway(config: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Gateway:
    """A gateway of the standard set, with no key in its environment."""
    return build_gateway(
        make_config(config or {}), found=standard(), default_order=DEFAULT_ORDER, environ=environ or {}
    )


def folder(plugin: str) -> Path:
    """Where a plugin of the standard set lives."""
    (found,) = [path for path in ROOT.glob(f"*/{plugin}") if (path / "pyproject.toml").is_file()]
    return found
