"""``llmgate plugin new``: the template, copied under another name.

The template is a plugin of this workspace, linted and tested like the others. Its variants are folders in its package;
the chosen one becomes the new package.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .names import Word, new_word
from .output import ConfigFailure

VARIANTS: Final = ("hook", "provider", "dialect")
# What a plugin needs that stands alone; in a project that configures its tools they would be in the way.
TOOLS: Final = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"

[tool.ruff]
line-length = 120

[tool.ruff.lint.isort]
known-first-party = ["llmgate_*"]
"""
_OWN_IMPORTS: Final = re.compile(r"(?:^from llmgate_\S+ import [^(\n]+\n)+", re.MULTILINE)


def scaffold(name: str, variant: str, into: Path) -> Path:
    """A new plugin in ``into/<word>``. Raises :class:`ConfigFailure`; then nothing was made."""
    word = new_word(name)
    refuse_installed(word)
    target = into / word.word
    if target.exists():
        raise ConfigFailure(f"{target} is there already; choose another name, or another folder with --into")
    template = template_folder()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".llmgate-") as scratch:
        made = Path(scratch) / word.word
        for source, place in parts(template, variant):
            write(source, made / renamed(place, word, variant), word, variant)
        pyproject = made / "pyproject.toml"
        text = pyproject.read_text("utf-8")
        if variant != "dialect":  # the only variant that reads JSON itself
            text = text.replace(', "msgspec>=0.19"', "")
        tools = "" if configures_tools(into.resolve()) else TOOLS
        pyproject.write_text(text + tools, "utf-8")
        shutil.move(made, target)
    return target


def template_folder() -> Path:
    """The template: in the package when that came from a wheel, beside this folder in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "plugin_template", package.parents[2] / "plugin_template"):
        if (folder / "pyproject.toml").is_file():
            return folder
    raise ConfigFailure(
        "the plugin template is not there; install llmgate-cli again: pip install --force-reinstall llmgate-cli"
    )


def refuse_installed(word: Word) -> None:
    """Raise :class:`ConfigFailure` when another plugin has the name."""
    from llmgate_core.plugins import discover

    for one in discover():
        if one.name == word.word:
            raise ConfigFailure(f"a plugin {word.word!r} is installed ({one.origin}); choose another name")


def parts(template: Path, variant: str) -> Iterator[tuple[Path, str]]:
    """The files that make a variant, each with its place in the new plugin (still under the template's name)."""
    package = "src/llmgate_example"
    chosen = template / package if variant == "hook" else template / package / variant
    yield template / "pyproject.toml", "pyproject.toml"
    yield (template / "README.md" if variant == "hook" else template / "readmes" / f"{variant}.md"), "README.md"
    yield template / package / "py.typed", f"{package}/py.typed"
    for file in sorted(chosen.glob("*.py")):
        yield file, f"{package}/{file.name}"
    yield template / "tests" / f"test_{variant}.py", "tests/test_example.py"


def write(source: Path, target: Path, word: Word, variant: str) -> None:
    """One file, renamed inside. Imports of the package keep the order that linters want."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = renamed(source.read_text("utf-8"), word, variant)
    target.write_text(_OWN_IMPORTS.sub(_sorted, text), "utf-8")


def renamed(text: str, word: Word, variant: str) -> str:
    """The template's name in all its spellings → the new one; the variant is not a part of the package any more."""
    for old, new in (
        (f"llmgate_example.{variant}", "llmgate_example"),
        (f"readmes/{variant}.md", "README.md"),
        ("llmgate-example", word.distribution),
        ("x-example", f"x-{word.dashed}"),
        ("api.example.com", "api.\0.com"),
        ("EXAMPLE", word.word.upper()),
        ("Example", word.camel),
        ("example", word.word),
        ("\0", "example"),
    ):
        text = text.replace(old, new)
    return text


def configures_tools(folder: Path) -> bool:
    """Whether a project around ``folder`` says how ruff is to be run."""
    for place in (folder, *folder.parents):
        pyproject = place / "pyproject.toml"
        if (place / "ruff.toml").is_file():
            return True
        if pyproject.is_file():
            try:
                return "ruff" in tomllib.loads(pyproject.read_text("utf-8")).get("tool", {})
            except (tomllib.TOMLDecodeError, UnicodeDecodeError):
                return False
    return False


def _sorted(match: re.Match[str]) -> str:
    return "".join(sorted(match[0].splitlines(keepends=True), key=lambda line: line.split()[1]))
