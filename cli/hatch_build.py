"""Puts the plugin template into the wheel (as package data) and into the sdist (so that a wheel can be built from it).

There is one copy of the template, the workspace member beside this folder. An editable install needs none of this: it
finds the template where it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("pyproject.toml", "README.md", "readmes/*.md", "src/**/*.py", "src/**/py.typed", "tests/*.py")


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]  # generic only in hatchling's own annotations
    """Adds the template's files, wherever it is: inside this folder (an unpacked sdist), else beside it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files. Raises FileNotFoundError when there is no template."""
        if version == "editable":
            return
        root = Path(self.root)
        template = next((p for p in (root / "plugin_template", root.parent / "plugin_template") if p.is_dir()), None)
        if template is None:
            raise FileNotFoundError(
                f"no plugin_template in {root} or beside it: build from a whole checkout or an sdist"
            )
        target = "plugin_template" if self.target_name == "sdist" else "llmgate_cli/plugin_template"
        for part in PARTS:
            for file in sorted(template.glob(part)):
                build_data["force_include"][str(file)] = f"{target}/{file.relative_to(template).as_posix()}"
