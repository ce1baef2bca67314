"""Builds the extension module. Where that fails (no compiler, no headers), the package installs without it."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup

setup(
    package_dir={"": "src"},
    packages=["llmgate_native"],
    package_data={"llmgate_native": ["py.typed", "*.pyi"]},
    ext_modules=[
        Extension(
            "llmgate_native._native",
            sources=sorted(str(path) for path in Path("c").glob("*.c")),
            depends=sorted(str(path) for path in Path("c").glob("*.h")),
            optional=True,
        )
    ],
)
