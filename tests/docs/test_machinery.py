"""The players of the pages see what is wrong: a page that lies is not let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.outputs import agrees
from tests.docs.pages import Page
from tests.docs.shell import CommandFailed, Shell
from tests.docs.story import Story, prompts

FENCE = "```"


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a … c", "a b c", True),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…", "a", True),
        ("…b", "ab", True),
        ("a", "a\nb", False),
        ("a\nb", "a", False),
        ("a.c", "abc", False),
        ("a …", "b c", False),
    ],
)
def test_outputs_are_compared_line_by_line(shown: str, printed: str, *, same: bool) -> None:
    """Dots stand for anything in a line, alone for any lines; everything else has to be there."""
    assert agrees(shown, printed) is same


def test_prompts_are_told_from_output() -> None:
    """A command may go over several lines; what follows it is what the page shows."""
    text = "$ curl -s x \\\n    -d y\n{}\n$ llmgate hooks\n"
    assert list(prompts(text)) == [("curl -s x     -d y", "{}"), ("llmgate hooks", "")]


@pytest.mark.llmgate_unguarded("blocking")
@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("console", "$ llmgate --version\nllmgate 99.0", "the page shows"),
        ("console", "$ llmgate plugin show retri", "did you mean 'retry'"),
        ("console", "$ sudo rm", "do not know the command 'sudo'"),
        ("bash", "make coffee", "no target"),
        ("bash", "pip install ./nowhere", "nothing to install"),
        ("python", "print(1 / 0)", "ZeroDivisionError"),
        ("toml", "[gateway]\nprot = 1", "did you mean 'port'"),
        ("json", "{", "Expecting"),
    ],
)
def test_page_that_lies_is_found(
    language: str, text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong in a block is told with the block's place."""
    (tmp_path / "lie.md").write_text(f"# Lie\n\n{FENCE}{language}\n{text}\n{FENCE}\n")
    monkeypatch.setattr("tests.docs.pages.ROOT", tmp_path)
    with Story(Page("lie.md"), tmp_path) as played, pytest.raises(CommandFailed, match=r"lie\.md:3") as found:
        played.play()
    assert told in str(found.value)


def test_environment_is_the_pages_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of whoever runs the tests are not there; what a page exports is."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine")
    shell = Shell(tmp_path)
    assert "OPENAI_API_KEY" not in shell.env
    shell.run("export ACME_API_KEY=sk-of-the-page")
    assert shell.env["ACME_API_KEY"] == "sk-of-the-page"
