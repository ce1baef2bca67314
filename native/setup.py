"""Builds the extension module. Where that fails (no compiler, no headers), the package installs without it."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = Path("src", "llmgate_native")


class BuildAnew(build_ext):
    """What an earlier build has left is removed first: where this one fails, it would be packed or imported instead."""

    def run(self) -> None:
        """Remove, then build."""
        for folder in (PACKAGE, Path(self.build_lib, PACKAGE.name)):
            for built in (*folder.glob("_native.*.so"), *folder.glob("_native.*.pyd")):
                built.unlink()
        super().run()


setup(
    package_dir={"": "src"},
    packages=["llmgate_native"],
    package_data={"llmgate_native": ["py.typed", "*.pyi"]},
    cmdclass={"build_ext": BuildAnew},
    ext_modules=[
        Extension(
            "llmgate_native._native",
            sources=sorted(str(path) for path in Path("c").glob("*.c")),
            depends=sorted(str(path) for path in Path("c").glob("*.h")),
            optional=True,
        )
    ],
)
